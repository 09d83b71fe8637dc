// Routers are the gateway's table: the user's first, then those built in.
import { html } from "../../html.js";
import { go, hrefTo } from "../../address.js";
import { routeGroups } from "../../routegroups.js";
import { routes, system } from "../../state.js";
import { plural } from "../../text.js";
import { Outside, Copyable } from "../../parts/copy.js";
import { FaultMark } from "../../parts/fault.js";
import { filterText } from "../../parts/filter.js";
import { Empty, Notice } from "../../parts/notice.js";
import { Rule } from "../../parts/rule.js";
import { LabelProblem, Snippet } from "../../parts/snippet.js";
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Header } from "./header.js";
import { useResources, withProvider } from "./resources.js";

const matches = (route, text) =>
  [route.name, route.rule, route.service, route.origin.file].some((field) => field.toLowerCase().includes(text));

export function RouterList({ list, chosen }) {
  const text = filterText();
  const shown = list.items.filter((route) => matches(route, text));
  return html`
    <${Header} tab="" count=${list.items.length > 0 && plural(shown.length, "router") + (text && ` of ${list.items.length}`)} filter=${list.items.length > 0 && "Filter by host, path, service"} />
    ${list.problems.map((p, i) => html`<${LabelProblem} key=${i} of=${p} lines=${i < mostLines} />`)}
    ${shown.length
      ? html`<${Table} routes=${shown} chosen=${chosen} />`
      : text
        ? html`<${Empty} title="No router matches “${text}”">The filter looks at names, rules, services and files.<//>`
        : html`<${Empty} title="No routes yet">
            Label a service in your compose file, for example
            <code class="block">traefik.http.routers.shop.rule=Host(\`shop.localhost\`)</code>
            and it is live as soon as the file is saved.
          <//>`}
    <${Raw} text=${text} chosen=${chosen} />
  `;
}

const mostLines = 5; // problems whose lines are shown

// Raw lists the routers of TCP and UDP, where there are any.
function Raw({ text, chosen }) {
  const lists = ["tcp", "udp"].map((protocol) => [protocol, useResources(protocol, "routers")]);
  const rows = lists.flatMap(([protocol, { items }]) => (items ?? []).map((router) => ({ protocol, ...router }))).filter((r) => `${r.name} ${r.rule ?? ""} ${r.service}`.toLowerCase().includes(text));
  if (!rows.length) return null;
  return html`
    <h2 class="section-title">TCP and UDP</h2>
    <table class="table routes raw choosable">
      <thead><tr><th>Status</th><th>Router</th><th>Rule</th><th>Service</th><th>Entry points</th></tr></thead>
      <tbody>
        ${rows.map(
          (r) => html`
            <tr key=${r.protocol + r.name} class=${chosen === r.name ? "chosen" : ""} onClick=${() => go(hrefTo("routes", r.protocol, r.name))}>
              <td class="at-status"><${Status} of=${r.status} /></td>
              <td class="at-name"><a data-item href=${hrefTo("routes", r.protocol, r.name)}><${Name} of=${r.name} /></a> <span class="muted">${r.protocol.toUpperCase()}</span></td>
              <td class="at-rule">${r.rule ? html`<${Rule} text=${r.rule} />` : html`<span class="muted">everything</span>`}</td>
              <td class="at-service">${r.service.split("@")[0]}</td>
              <td class="at-entry muted">${(r.using ?? []).join(", ")}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}

function Table({ routes, chosen }) {
  const { own, builtin } = routeGroups(routes);
  const both = own.length > 0 && builtin.length > 0;
  return html`
    <table class="table routes choosable">
      <thead>
        <tr><th>Status</th><th>Router</th><th>Rule</th><th>Service</th><th>Servers</th><th>Entry points</th><th class="number">Priority</th></tr>
      </thead>
      <tbody>
        ${both && html`<${Group} key="own" title="Yours">The highest priority is tried first, whichever group it is in.<//>`}
        ${own.map((row) => html`<${Row} key=${row.route.name} of=${row} chosen=${chosen} />`)}
        ${both && html`<${Group} key="builtin" title="Built in" />`}
        ${builtin.map((row) => html`<${Row} key=${row.route.name} of=${row} chosen=${chosen} />`)}
      </tbody>
    </table>
  `;
}

const Group = ({ title, children }) => html`
  <tr class="group"><td colspan="7">${title}${children && html`<span class="group-note">${children}</span>`}</td></tr>
`;

function Row({ of: { route, twin }, chosen }) {
  const href = hrefTo("routes", route.name);
  return html`
    <tr class="${route.name === chosen ? "chosen" : ""} ${twin ? "twin" : ""}" onClick=${() => go(href)}>
      <td class="at-status"><${Status} of=${route.status} /></td>
      <td class="at-name"><a data-item href=${href} aria-current=${route.name === chosen ? "true" : undefined}><${Name} of=${route.name} /></a><${FaultMark} kind="route" name=${route.name} /></td>
      <td class="at-rule" title=${route.rule}>${twin ? html`<${Same} of=${route} />` : html`<${Rule} text=${route.rule} />`}</td>
      <td class="at-service">${route.service.split("@")[0]}</td>
      <td class="at-servers"><${Servers} of=${route.servers} /></td>
      <td class="at-entry muted">${route.entryPoints.join(", ")}</td>
      <td class="at-priority number muted">${route.priority}</td>
    </tr>
  `;
}

// Same stands for the rule of a twin, which is that of the row above.
const Same = ({ of: { middlewares } }) =>
  html`<span class="same">the same without TLS${middlewares.length > 0 && `, through ${middlewares.map((m) => m.split("@")[0]).join(", ")}`}</span>`;

// Name keeps the provider quiet: it is nearly always the same.
export function Name({ of }) {
  const at = of.lastIndexOf("@");
  return at < 0 ? of : html`${of.slice(0, at)}<span class="provider">${of.slice(at)}</span>`;
}

// Servers says how many answer.
function Servers({ of }) {
  if (!of.length) return html`<${Status} of="DOWN" word="none" />`;
  const up = of.filter((server) => server.status === "UP").length;
  if (up === of.length) return html`<${Status} of="UP" word="${up} up" />`;
  return html`<${Status} of=${up ? "warning" : "DOWN"} word="${up} of ${of.length} up" />`;
}

export function RouterDetail({ name, route }) {
  if (!route) {
    return html`<${Detail} page="routes" back="routes" title=${name}>
      <${Empty} title="This router is not in the table">Its label was removed or renamed.<//>
    <//>`;
  }
  const open = route.status === "disabled" ? "" : browserAddress(route);
  return html`
    <${Detail} page="routes" back="routes" title=${route.name}>
      <${Status} of=${route.status} /><${FaultMark} kind="route" name=${route.name} words />
      <${Faults} errors=${route.errors} name=${route.name} status=${route.status} />
      <div class="rule-box"><${Rule} text=${route.rule} /></div>
      ${open && html`<p class="links"><${Outside} href=${open} /> <a href="/routes/explain?${new URLSearchParams({ url: open })}">Explain a request</a></p>`}
      <${DetailList} of=${[
        ["Entry points", route.entryPoints.join(", ")],
        ["TLS", route.tls ? "yes" : "no"],
        ["Priority", route.priority],
        ["Middlewares", route.middlewares.length ? html`<ol class="plain">${route.middlewares.map((m) => html`<li key=${m}><a href=${hrefTo("routes", "middlewares", "http", m)}>${m}</a></li>`)}</ol>` : "none"],
        ["Service", html`<a href=${hrefTo("routes", "services", "http", withProvider(route.service, route.name))}>${route.service}</a>`],
        ["Defined in", html`
          <${Copyable} text=${route.origin.file + (route.origin.line ? ":" + route.origin.line : "")} />
          ${route.origin.service && html`<div class="muted">service ${route.origin.service}</div>`}
        `],
      ]} />
      <h3 class="section-title">${plural(route.servers.length, "server")}</h3>
      ${route.servers.length === 0 && html`<p class="muted">Nothing answers for this service.</p>`}
      <ul class="servers">
        ${route.servers.map((server) => html`<li key=${server.url}><span class="mono">${server.url}</span><${Status} of=${server.status} /></li>`)}
      </ul>
      ${route.origin.line > 0 && html`<h3 class="section-title">Where it is defined</h3>`}
      <${Snippet} file=${route.origin.file} line=${route.origin.line} />
    <//>
  `;
}

// browserAddress is what to type to reach a route, where its rule is as plain
// as a host and perhaps a path.
function browserAddress(route) {
  const host = /^\(*Host\(`([^`]+)`\)/.exec(route.rule)?.[1];
  const base = system.value?.addresses[route.tls ? "https" : "http"];
  if (!host || !base || /[!]|\|\|/.test(route.rule)) return "";
  const url = new URL(base);
  url.hostname = host;
  url.pathname = /Path(?:Prefix)?\(`([^`]+)`\)/.exec(route.rule)?.[1] ?? "/";
  return url.href;
}

// Faults tells what is wrong with a resource: where it stands, where that is known.
export function Faults({ errors, name, status }) {
  const known = routes.value?.problems ?? [];
  return errors.map((e) => {
    const problem = known.find((p) => p.message === e && (p.label ?? "").includes(name.split("@")[0])) ?? known.find((p) => p.message === e);
    return problem ? html`<${LabelProblem} key=${e} of=${problem} />` : html`<${Notice} key=${e} tone=${status === "disabled" ? "error" : "warn"} title=${e} />`;
  });
}
