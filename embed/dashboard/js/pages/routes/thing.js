// Services, middlewares, and routers of TCP and UDP: a list of all, and one of them.
import { html } from "../../html.js";
import { go, hrefTo } from "../../address.js";
import { plural } from "../../text.js";
import { Copyable } from "../../parts/copy.js";
import { filterText } from "../../parts/filter.js";
import { Json } from "../../parts/json.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Rule } from "../../parts/rule.js";
import { Snippet } from "../../parts/snippet.js";
import { Detail, Facts } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Head } from "./head.js";
import { Faults, Name } from "./router.js";
import { Service } from "./service.js";
import { settingsOf, useThing, useThings, withProvider } from "./things.js";

const protocolsOf = { services: ["http", "tcp", "udp"], middlewares: ["http", "tcp"] };
const oneOf = { services: "service", middlewares: "middleware", routers: "router" };

export function ThingList({ kind, chosen }) {
  const lists = protocolsOf[kind].map((protocol) => ({ protocol, ...useThings(protocol, kind) }));
  const text = filterText();
  const all = lists.flatMap(({ protocol, items }) => (items ?? []).map((thing) => ({ protocol, ...thing })));
  const shown = all.filter((thing) => `${thing.name} ${thing.protocol} ${settingsOf(thing).field}`.toLowerCase().includes(text));
  const bad = lists.find((l) => l.problem);
  return html`
    <${Head} tab=${kind} count=${all.length > 0 && plural(shown.length, oneOf[kind]) + (text && ` of ${all.length}`)} filter="Filter by name, kind" />
    ${bad && html`<${Failure} title="The ${kind} could not be read" problem=${bad.problem} retry=${bad.retry} />`}
    ${!bad && lists.some((l) => !l.items) && !all.length && html`<${Loading} what=${kind} />`}
    ${shown.length > 0 && html`<${Table} kind=${kind} things=${shown} chosen=${chosen} />`}
    ${!shown.length && lists.every((l) => l.items) && html`<${Nothing} kind=${kind} text=${text} />`}
  `;
}

const examples = { services: "traefik.http.services.shop.loadbalancer.server.port=4000", middlewares: "traefik.http.middlewares.slow.ratelimit.average=10" };

const Nothing = ({ kind, text }) =>
  text
    ? html`<${Empty} title="No ${oneOf[kind]} matches “${text}”">The filter looks at names, protocols and kinds.<//>`
    : html`<${Empty} title="No ${kind} yet">A label makes one, for example <code class="block">${examples[kind]}</code><//>`;

const Table = ({ kind, things, chosen }) => html`
  <table class="table things choosable">
    <thead>
      <tr><th>Status</th><th>${kind === "services" ? "Service" : "Middleware"}</th><th>Kind</th>${kind === "services" && html`<th>Servers</th>`}<th>Used by</th></tr>
    </thead>
    <tbody>
      ${things.map((thing) => {
        const href = hrefTo("routes", kind, thing.protocol, thing.name);
        const here = chosen === `${thing.protocol}/${thing.name}`;
        return html`
          <tr key=${thing.protocol + thing.name} class=${here ? "chosen" : ""} onClick=${() => go(href)}>
            <td class="at-status"><${Status} of=${thing.status} /></td>
            <td class="at-name"><a data-item href=${href} aria-current=${here ? "true" : undefined}><${Name} of=${thing.name} /></a></td>
            <td class="at-kind muted">${settingsOf(thing).field}${thing.protocol !== "http" && ` · ${thing.protocol.toUpperCase()}`}</td>
            ${kind === "services" && html`<td class="at-servers"><${Health} of=${thing.serverStatus} /></td>`}
            <td class="at-used muted">${thing.usedBy?.length ? plural(new Set(thing.usedBy).size, "router") : "nothing"}</td>
          </tr>
        `;
      })}
    </tbody>
  </table>
`;

// Health says how many servers answer.
function Health({ of = {} }) {
  const states = Object.values(of);
  const up = states.filter((state) => state === "UP").length;
  if (!states.length) return html`<span class="muted">–</span>`;
  return html`<${Status} of=${up === states.length ? "UP" : up ? "warning" : "DOWN"} word=${up === states.length ? `${up} up` : `${up} of ${states.length} up`} />`;
}

export function ThingDetail({ kind, protocol, name }) {
  const { item, gone, problem } = useThing(protocol, kind, name);
  const page = kind === "routers" ? ["routes"] : ["routes", kind];
  const one = oneOf[kind];
  return html`
    <${Detail} page=${page} back=${kind} title=${name}>
      ${gone && html`<${Empty} title="This ${one} is not in the table">Its label was removed or renamed.<//>`}
      ${problem && html`<${Failure} title="The ${one} could not be read" problem=${problem} />`}
      ${!item && !gone && !problem && html`<${Loading} what=${one} />`}
      ${item && html`<${Body} kind=${kind} protocol=${protocol} thing=${item} />`}
    <//>
  `;
}

function Body({ kind, protocol, thing }) {
  const { field, settings } = settingsOf(thing);
  const users = [...new Set(thing.usedBy ?? [])];
  const router = (name) => (protocol === "http" ? hrefTo("routes", name) : hrefTo("routes", protocol, name));
  const other = (of, name) => html`<a href=${hrefTo("routes", of, protocol, withProvider(name, thing.name))}>${name}</a>`;
  const place = thing.origin && thing.origin.file + (thing.origin.line ? ":" + thing.origin.line : "");
  return html`
    <${Status} of=${thing.status} />
    <${Faults} errors=${[thing.error ?? []].flat()} name=${thing.name} status=${thing.status} />
    ${kind === "routers" && html`<div class="rule-box">${thing.rule ? html`<${Rule} text=${thing.rule} />` : html`<span class="muted">every connection</span>`}</div>`}
    <${Facts} of=${[
      ["Kind", kind !== "routers" && html`<span class="mono">${field}</span>`],
      ["Protocol", protocol.toUpperCase()],
      ["Entry points", thing.using?.join(", ")],
      ["TLS", kind === "routers" && protocol === "tcp" && (thing.tls ? (thing.tls.passthrough ? "passed through" : "ends here") : "no")],
      ["Priority", thing.priority],
      ["Middlewares", thing.middlewares?.length && html`<ol class="plain">${thing.middlewares.map((m) => html`<li key=${m}>${other("middlewares", m)}</li>`)}</ol>`],
      ["Service", thing.service && other("services", thing.service)],
      ["Used by", kind !== "routers" && (users.length ? html`<ul class="plain">${users.map((name) => html`<li key=${name}><a href=${router(name)}>${name}</a></li>`)}</ul>` : "nothing")],
      ["Defined in", place && html`<${Copyable} text=${place} />${thing.origin.service && html`<div class="muted">service ${thing.origin.service}</div>`}`],
    ].filter(([, value]) => value !== false && value !== 0)} />
    ${kind === "services" && html`<${Service} protocol=${protocol} thing=${thing} field=${field} settings=${settings} />`}
    ${kind === "middlewares" && html`<h3 class="section-title">Settings</h3><${Json} value=${settings} open=${3} />`}
    ${thing.origin?.line > 0 && html`<h3 class="section-title">Where it is defined</h3>`}
    ${thing.origin && html`<${Snippet} file=${thing.origin.file} line=${thing.origin.line} />`}
  `;
}
