// System answers at a glance: is everything up, what is wrong, what just happened;
// then what flows, and where everything is.
import { html } from "../html.js";
import { providers } from "../services.js";
import { problems, routes, services, system, topics } from "../state.js";
import { count, plural } from "../text.js";
import { Addresses } from "../parts/addresses.js";
import { Outside } from "../parts/copy.js";
import { Flows } from "../parts/flows.js";
import { RecentActivity } from "../parts/recentactivity.js";
import { Icon } from "../parts/icon.js";
import { Empty, Loading } from "../parts/notice.js";
import { Status } from "../parts/status.js";

export function SystemPage() {
  const stack = system.value;
  if (!stack) return html`<${Loading} what="the system" />`;
  return html`
    <h1 class="page-title">System</h1>
    <${Problems} />
    <div class="glance"><${Summary} stack=${stack} /><${RecentActivity} /></div>
    <${Flows} />
    <${Services} of=${services.value?.items ?? []} />
    <h2 class="section-title">Parts</h2>
    <${Parts} of=${stack.parts} />
    <${Addresses} of=${stack.addresses} />
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

// Problem is one line of what, where, and how to fix it.
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

// Services are those of the compose file.
const Services = ({ of }) => of.length > 0 && html`
  <h2 class="section-title">Services of the compose file: ${count(of.filter((s) => ["running", "completed"].includes(s.state)).length)} of ${count(of.length)} run</h2>
  <table class="table parts">
    <thead><tr><th>State</th><th>Service</th><th>Run by</th><th>Address</th><th>Detail</th></tr></thead>
    <tbody>
      ${of.map((s) => html`
        <tr key=${s.name}>
          <td class="at-state"><${Status} of=${s.state} /></td>
          <td class="at-name"><a href="/services/${encodeURIComponent(s.name)}">${s.name}</a></td>
          <td class="at-kind muted" title=${s.reason}>${providers[s.provider] ?? s.provider}</td>
          <td class="at-address mono">${s.ports[0]?.address}</td>
          <td class="at-detail ${["failed", "restarting", "unhealthy"].includes(s.state) ? "error" : "muted"}">${s.detail}</td>
        </tr>
      `)}
    </tbody>
  </table>
`;

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
