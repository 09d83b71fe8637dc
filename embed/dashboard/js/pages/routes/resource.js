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
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Header } from "./header.js";
import { Faults, Name } from "./router.js";
import { Service } from "./service.js";
import { settingsOf, useResource, useResources, withProvider } from "./resources.js";

const protocolsOf = { services: ["http", "tcp", "udp"], middlewares: ["http", "tcp"] };
const oneOf = { services: "service", middlewares: "middleware", routers: "router" };

export function ResourceList({ kind, chosen }) {
  const lists = protocolsOf[kind].map((protocol) => ({ protocol, ...useResources(protocol, kind) }));
  const text = filterText();
  const all = lists.flatMap(({ protocol, items }) => (items ?? []).map((resource) => ({ protocol, ...resource })));
  const shown = all.filter((resource) => `${resource.name} ${resource.protocol} ${settingsOf(resource).field}`.toLowerCase().includes(text));
  const bad = lists.find((l) => l.problem);
  return html`
    <${Header} tab=${kind} count=${all.length > 0 && plural(shown.length, oneOf[kind]) + (text && ` of ${all.length}`)} filter="Filter by name, kind" />
    ${bad && html`<${Failure} title="The ${kind} could not be read" problem=${bad.problem} retry=${bad.retry} />`}
    ${!bad && lists.some((l) => !l.items) && !all.length && html`<${Loading} what=${kind} />`}
    ${shown.length > 0 && html`<${Table} kind=${kind} resources=${shown} chosen=${chosen} />`}
    ${!shown.length && lists.every((l) => l.items) && html`<${Nothing} kind=${kind} text=${text} />`}
  `;
}

const examples = { services: "traefik.http.services.shop.loadbalancer.server.port=4000", middlewares: "traefik.http.middlewares.slow.ratelimit.average=10" };

const Nothing = ({ kind, text }) =>
  text
    ? html`<${Empty} title="No ${oneOf[kind]} matches “${text}”">The filter looks at names, protocols and kinds.<//>`
    : html`<${Empty} title="No ${kind} yet">A label makes one, for example <code class="block">${examples[kind]}</code><//>`;

const Table = ({ kind, resources, chosen }) => html`
  <table class="table things choosable">
    <thead>
      <tr><th>Status</th><th>${kind === "services" ? "Service" : "Middleware"}</th><th>Kind</th>${kind === "services" && html`<th>Servers</th>`}<th>Used by</th></tr>
    </thead>
    <tbody>
      ${resources.map((resource) => {
        const href = hrefTo("routes", kind, resource.protocol, resource.name);
        const here = chosen === `${resource.protocol}/${resource.name}`;
        return html`
          <tr key=${resource.protocol + resource.name} class=${here ? "chosen" : ""} onClick=${() => go(href)}>
            <td class="at-status"><${Status} of=${resource.status} /></td>
            <td class="at-name"><a data-item href=${href} aria-current=${here ? "true" : undefined}><${Name} of=${resource.name} /></a></td>
            <td class="at-kind muted">${settingsOf(resource).field}${resource.protocol !== "http" && ` · ${resource.protocol.toUpperCase()}`}</td>
            ${kind === "services" && html`<td class="at-servers"><${Health} of=${resource.serverStatus} /></td>`}
            <td class="at-used muted">${resource.usedBy?.length ? plural(new Set(resource.usedBy).size, "router") : "nothing"}</td>
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

export function ResourceDetail({ kind, protocol, name }) {
  const { item, gone, problem } = useResource(protocol, kind, name);
  const page = kind === "routers" ? ["routes"] : ["routes", kind];
  const one = oneOf[kind];
  return html`
    <${Detail} page=${page} back=${kind} title=${name}>
      ${gone && html`<${Empty} title="This ${one} is not in the table">Its label was removed or renamed.<//>`}
      ${problem && html`<${Failure} title="The ${one} could not be read" problem=${problem} />`}
      ${!item && !gone && !problem && html`<${Loading} what=${one} />`}
      ${item && html`<${Body} kind=${kind} protocol=${protocol} resource=${item} />`}
    <//>
  `;
}

function Body({ kind, protocol, resource }) {
  const { field, settings } = settingsOf(resource);
  const users = [...new Set(resource.usedBy ?? [])];
  const router = (name) => (protocol === "http" ? hrefTo("routes", name) : hrefTo("routes", protocol, name));
  const other = (of, name) => html`<a href=${hrefTo("routes", of, protocol, withProvider(name, resource.name))}>${name}</a>`;
  const place = resource.origin && resource.origin.file + (resource.origin.line ? ":" + resource.origin.line : "");
  return html`
    <${Status} of=${resource.status} />
    <${Faults} errors=${[resource.error ?? []].flat()} name=${resource.name} status=${resource.status} />
    ${kind === "routers" && html`<div class="rule-box">${resource.rule ? html`<${Rule} text=${resource.rule} />` : html`<span class="muted">every connection</span>`}</div>`}
    <${DetailList} of=${[
      ["Kind", kind !== "routers" && html`<span class="mono">${field}</span>`],
      ["Protocol", protocol.toUpperCase()],
      ["Entry points", resource.using?.join(", ")],
      ["TLS", kind === "routers" && protocol === "tcp" && (resource.tls ? (resource.tls.passthrough ? "passed through" : "ends here") : "no")],
      ["Priority", resource.priority],
      ["Middlewares", resource.middlewares?.length && html`<ol class="plain">${resource.middlewares.map((m) => html`<li key=${m}>${other("middlewares", m)}</li>`)}</ol>`],
      ["Service", resource.service && other("services", resource.service)],
      ["Used by", kind !== "routers" && (users.length ? html`<ul class="plain">${users.map((name) => html`<li key=${name}><a href=${router(name)}>${name}</a></li>`)}</ul>` : "nothing")],
      ["Defined in", place && html`<${Copyable} text=${place} />${resource.origin.service && html`<div class="muted">service ${resource.origin.service}</div>`}`],
    ].filter(([, value]) => value !== false && value !== 0)} />
    ${kind === "services" && html`<${Service} protocol=${protocol} resource=${resource} field=${field} settings=${settings} />`}
    ${kind === "middlewares" && html`<h3 class="section-title">Settings</h3><${Json} value=${settings} open=${3} />`}
    ${resource.origin?.line > 0 && html`<h3 class="section-title">Where it is defined</h3>`}
    ${resource.origin && html`<${Snippet} file=${resource.origin.file} line=${resource.origin.line} />`}
  `;
}
