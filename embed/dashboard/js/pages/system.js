// System answers at a glance: is everything up, where is it, what is wrong.
import { html } from "../html.js";
import { problems, routes, system, topics } from "../state.js";
import { count, plural } from "../text.js";
import { Copyable, Outside } from "../parts/copy.js";
import { Icon } from "../parts/icon.js";
import { Empty, Loading } from "../parts/notice.js";
import { Status } from "../parts/status.js";

export function SystemPage() {
  const stack = system.value;
  if (!stack) return html`<${Loading} what="the system" />`;
  return html`
    <h1 class="page-title">System</h1>
    <${Problems} />
    <${Summary} stack=${stack} />
    <${Addresses} of=${stack.addresses} />
    <h2 class="section-title">Parts</h2>
    <${Parts} of=${stack.parts} />
  `;
}

function Summary({ stack }) {
  const unhealthy = stack.parts.some((part) => part.state === "unhealthy");
  const up = stack.parts.filter((part) => part.state === "healthy").length;
  const wanted = stack.parts.filter((part) => part.state !== "absent").length;
  const known = (list) => (list && !(list.error && !list.items.length) ? list.items : null);
  const size = (list) => (known(list) ? count(known(list).length) : "–");
  const messages = known(topics.value)?.reduce((sum, topic) => sum + topic.messages, 0);
  return html`
    <div class="tiles">
      <${Tile} label="Parts healthy" value=${wanted ? `${up} of ${wanted}` : "–"} tone=${unhealthy ? "error" : up < wanted ? "busy" : up ? "ok" : ""} />
      <${Tile} label="Routes" value=${size(routes.value)} href="/routes" />
      <${Tile} label="Topics" value=${size(topics.value)} href="/topics" />
      <${Tile} label="Messages held" value=${messages === undefined ? "–" : count(messages)} href="/topics" />
    </div>
  `;
}

const Tile = ({ label, value, tone = "", href }) => html`
  <${href ? "a" : "div"} class="tile" href=${href}>
    <span class="tile-label">${label}</span><span class="tile-value ${tone}">${value}</span>
  <//>
`;

function Problems() {
  const found = problems.value;
  if (!found.length) return null;
  return html`
    <h2 class="section-title">${plural(found.length, "problem")}</h2>
    <ul class="problems card">
      ${found.map((p, i) => html`<li key=${i}><${Problem} of=${p} /></li>`)}
    </ul>
  `;
}

// Problem is one line of what, where, and how to mend it.
export const Problem = ({ of }) => html`
  <a class="problem ${of.severity}" href=${of.href}>
    <${Icon} name=${of.severity === "error" ? "error" : "warning"} />
    <span class="problem-text">
      <span class="problem-what">${of.what}</span>
      ${of.where && html`<span class="mono muted problem-where">${of.where}</span>`}
      ${of.hint && html`<span class="muted">${of.hint}</span>`}
    </span>
  </a>
`;

const labels = { http: "HTTP", https: "HTTPS", kafka: "Kafka", dashboard: "Dashboard" };

function Addresses({ of }) {
  const known = Object.entries(labels).filter(([name]) => of[name]);
  if (!known.length) return null;
  return html`
    <h2 class="section-title">Addresses</h2>
    <dl class="addresses card">
      ${known.map(
        ([name, label]) => html`
          <div key=${name}>
            <dt class="hop-${name === "kafka" ? "kafka" : "http"}">${label}</dt>
            <dd><${Copyable} text=${of[name]} /></dd>
          </div>
        `,
      )}
    </dl>
    ${of.ca && html`<${Authority} file=${of.ca} />`}
  `;
}

// Authority is who signs the HTTPS certificates, and how a browser comes to
// trust it.
const Authority = ({ file }) => html`
  <dl class="addresses authority card">
    <div>
      <dt class="hop-http">Authority</dt>
      <dd><${Copyable} text=${file} /></dd>
    </div>
    <div>
      <dt class="muted">To trust it run axion trust. By hand: this in Chromium on Linux, elsewhere import the file in the browser's certificate settings</dt>
      <dd><${Copyable} text=${"certutil -A -d sql:$HOME/.pki/nssdb -n axion -t C -i " + quoted(file)} /></dd>
    </div>
  </dl>
`;

// quoted is a word of a shell's command line.
const quoted = (word) => (/^[\w./+@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

function Parts({ of }) {
  if (!of.length) return html`<${Empty} title="No parts yet">They appear as the stack starts.<//>`;
  return html`
    <table class="table parts">
      <thead>
        <tr><th>State</th><th>Part</th><th>Kind</th><th>Address</th><th>URL</th><th>Detail</th></tr>
      </thead>
      <tbody>
        ${of.map(
          (part) => html`
            <tr key=${part.kind + part.name}>
              <td class="at-state"><${Status} of=${part.state} /></td>
              <td class="at-name">${part.name}</td>
              <td class="at-kind muted">${part.kind}</td>
              <td class="at-address mono">${part.address}</td>
              <td class="at-url">${part.url && html`<${Outside} href=${part.url} text=${part.url.replace(/^https?:\/\//, "")} />`}</td>
              <td class="at-detail ${part.state === "unhealthy" ? "error" : "muted"}">${part.detail}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
