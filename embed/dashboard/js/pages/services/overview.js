// Overview is how a service is: its instances, what they depend on, its topics and
// its routes.
import { html } from "../../html.js";
import { useFetch } from "../../fetch.js";
import { exact, plural, uptime } from "../../text.js";
import { Copyable } from "../../parts/copy.js";
import { DetailList } from "../../parts/split.js";
import { Notice } from "../../parts/notice.js";
import { Rule } from "../../parts/rule.js";
import { LabelProblem } from "../../parts/snippet.js";
import { Status } from "../../parts/status.js";
import { Composed } from "./composed.js";

export const Overview = ({ of }) => html`
  ${of.problem && html`<${LabelProblem} of=${of.problem} />`}
  ${of.composed && html`<${Composed} of=${of.composed} routed=${of.routes.length > 0} /><${Lag} service=${of.name} />`}
  ${of.part && html`<${Builtin} part=${of.part} />`}
  ${of.runtime && html`<${Runtime} of=${of.runtime} />`}
  ${of.servers && html`<${Servers} of=${of.servers} />`}
  ${of.peer && html`<${Peer} name=${of.name} of=${of.peer} />`}
  <h3 class="section-title">${plural(of.routes.length, "route")}</h3>
  ${!of.routes.length && html`<p class="muted">No router of the gateway leads here.</p>`}
  <ul class="servers route-links">${of.routes.map((r) => html`<li key=${r.name}><a href="/routes/${encodeURIComponent(r.name)}">${r.name}</a><${Rule} text=${r.rule} /><span class="spring"></span>${r.status !== "enabled" && html`<${Status} of=${r.status} />`}</li>`)}</ul>
  ${of.part && html`<${Topics} title="Reads" of=${of.part.consumes ?? []} /><${Topics} title="Writes" of=${of.part.produces ?? []} />`}
`;

function Builtin({ part }) {
  const instances = part.instances ?? [];
  return html`
    <${DetailList} of=${[
      ["Version", part.version],
      ["Port", part.port && html`${part.port}${instances[0]?.moved && " is taken: it moved"}`],
      ["Runs", part.yours ? "your own process, in the builtin's place" : part.state === "absent" ? "not here" : "in this stack's process"],
      ["Restarts", instances.length > 0 && "never by itself: a builtin that fails ends the stack"],
    ].filter(([, value]) => value !== false)} />
    ${part.state === "absent" && html`<${Notice} tone="info" title="Nothing answers on port ${part.port}">Start your own service there, and the gateway takes it: ${part.detail}<//>`}
    ${instances.length > 0 && html`
      <h3 class="section-title">${plural(instances.length, "instance")}</h3>
      <table class="table instances plain-table">
        <thead><tr><th>Address</th><th>Up</th><th>Depends on</th></tr></thead>
        <tbody>
          ${instances.map(
            (i) => html`<tr key=${i.address}>
              <td class="mono">${i.address}</td>
              <td title=${exact(i.startedAt)}>${uptime(i.startedAt)}</td>
              <td>${i.depends.map((d) => html`<div key=${d.name}><${Status} of=${d.state} word=${d.name} /> <span class="error">${d.detail}</span></div>`)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    `}
    ${part.state !== "absent" && html`<${Lag} service=${part.name} />`}
    ${!part.yours && part.port > 0 && part.state !== "absent" && html`<${InItsPlace} part=${part} />`}
  `;
}

// InItsPlace says how a process of the user's own takes a builtin's place.
const InItsPlace = ({ part }) => html`
  <h3 class="section-title">Run yours in its place</h3>
  <p class="muted">Leave the builtin out, and start your own on port ${part.port}; or name the address where it listens.</p>
  <ul class="commands">
    <li><${Copyable} text="axion --without ${part.name}" /></li>
    <li><${Copyable} text="axion --without ${part.name}=127.0.0.1:${part.port + 1000}" /></li>
  </ul>
  <p class="muted">Or axion's own in a process of its own, which needs the stack's data in PostgreSQL (<code>--database</code>).</p>
  <ul class="commands"><li><${Copyable} text="axion serve ${part.name}" /></li></ul>
`;

// Peer is a process that runs elsewhere: what is known is what it does here.
const Peer = ({ name, of }) => html`
  <p class="muted">It runs elsewhere${of.reads.length > 0 && ", and reads Kafka"}${of.traced && ", and sends traces"}.</p>
  <p><a href="/flow?service=${encodeURIComponent(name)}">Traces that it is in</a></p>
  <${Lag} service=${name} />
  <${Topics} title="Reads" of=${of.reads} /><${Topics} title="Writes" of=${of.writes} />
`;

// Lag is how far the service's consumer group is behind: the one that NestJS would
// call so, or the one of its name.
function Lag({ service }) {
  const { answer } = useFetch("/api/groups", { every: 3000 });
  const group = answer?.ok && [`${service}-server`, `${service}-client`, service].map((name) => answer.body.items.find((g) => g.name === name)).find(Boolean);
  if (!group) return null;
  const behind = Object.values(group.lag).reduce((sum, n) => sum + Math.max(n, 0), 0);
  return html`<p class="lag"><${Status} of=${behind > 0 ? "warning" : "UP"} word=${behind > 0 ? `${plural(behind, "message")} behind` : "reads what comes at once"} /> <a href="/topics/~groups/${encodeURIComponent(group.name)}">group ${group.name}</a></p>`;
}

const Runtime = ({ of }) => html`
  ${of.error && html`<${Notice} tone=${of.state === "running" ? "warn" : "error"} title=${of.state === "running" ? "It was restarted" : `It is ${of.state}`}>${of.error}<//>`}
  <${DetailList} of=${[
    ["Runs", of.runtime === "static" ? "files, served by infrastructure-service" : "a process, supervised by infrastructure-service"],
    ["State", of.state],
    ["Restarts", of.restarts],
    ["Up", html`<span title=${exact(of.startedAt)}>${uptime(of.startedAt)}</span>`],
    ["Address", html`<${Copyable} text=${of.address} />`],
    ["Process", of.pid],
    ["Project", html`<a href="/projects/${encodeURIComponent(of.projectId)}">${of.slug}</a>`],
  ]} />
`;

const Servers = ({ of }) => html`
  <h3 class="section-title">${plural(of.length, "server")}</h3>
  <ul class="servers">${of.map((s) => html`<li key=${s.url}><span class="mono">${s.url}</span><${Status} of=${s.status} /></li>`)}</ul>
  <p class="muted">A server counts as up where no health check in the labels watches it: <code>traefik.http.services.NAME.loadbalancer.healthcheck.path</code>.</p>
`;

const Topics = ({ title, of }) => of.length > 0 && html`
  <h3 class="section-title">${title} ${plural(of.length, "topic")}</h3>
  <ul class="topic-links">${of.map((name) => html`<li key=${name}><a class="mono" href="/topics/${encodeURIComponent(name)}">${name}</a></li>`)}</ul>
`;
