// Routes is the gateway's table: the user's routers first, then those built in.
import { html } from "../html.js";
import { go, hrefTo, segments } from "../address.js";
import { groupsOf } from "../order.js";
import { routes, system } from "../state.js";
import { plural } from "../text.js";
import { Outside, Copyable } from "../parts/copy.js";
import { Filter, filterText } from "../parts/filter.js";
import { Empty, Loading, Notice } from "../parts/notice.js";
import { Rule } from "../parts/rule.js";
import { Detail, Facts, Split } from "../parts/split.js";
import { Status } from "../parts/status.js";

export function RoutesPage() {
  const list = routes.value;
  if (!list) return html`<${Loading} what="routes" />`;
  const chosen = segments.value[1];
  return html`<${Split}
    list=${html`<${List} list=${list} chosen=${chosen} />`}
    detail=${chosen && html`<${RouteDetail} name=${chosen} route=${list.items.find((r) => r.name === chosen)} />`}
  />`;
}

const matches = (route, text) =>
  [route.name, route.rule, route.service, route.origin.file].some((field) => field.toLowerCase().includes(text));

function List({ list, chosen }) {
  const text = filterText();
  const shown = list.items.filter((route) => matches(route, text));
  return html`
    <header class="page-head">
      <h1 class="page-title">Routes</h1>
      ${list.items.length > 0 && html`<span class="muted">${plural(shown.length, "router")}${text && ` of ${list.items.length}`}</span>`}
      <span class="spring"></span>
      ${list.items.length > 0 && html`<${Filter} label="Filter by host, path, service" />`}
    </header>
    ${list.problems.map((p, i) => html`<${LabelProblem} key=${i} of=${p} />`)}
    ${shown.length
      ? html`<${Table} routes=${shown} chosen=${chosen} />`
      : text
        ? html`<${Empty} title="No router matches “${text}”">The filter looks at names, rules, services and files.<//>`
        : html`<${Empty} title="No routes yet">
            Label a service in your compose file, for example
            <code class="block">traefik.http.routers.shop.rule=Host(\`shop.localhost\`)</code>
            and it is live as soon as the file is saved.
          <//>`}
  `;
}

const LabelProblem = ({ of }) => html`
  <${Notice} tone=${of.severity === "error" ? "error" : "warn"} title=${of.message}>
    <span class="mono">${place(of)}</span>${of.label && html` · <code class="label">${of.label}</code>`}
    ${of.hint && html`<div class="muted">${of.hint}</div>`}
  <//>
`;

const place = ({ file, line, service }) => [file && file + (line ? ":" + line : ""), service].filter(Boolean).join(" · ");

function Table({ routes, chosen }) {
  const { own, builtin } = groupsOf(routes);
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
      <td class="at-name"><a data-item href=${href} aria-current=${route.name === chosen ? "true" : undefined}><${Name} of=${route.name} /></a></td>
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
function Name({ of }) {
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

function RouteDetail({ name, route }) {
  if (!route) {
    return html`<${Detail} page="routes" back="routes" title=${name}>
      <${Empty} title="This router is not in the table">Its label was removed or renamed.<//>
    <//>`;
  }
  const open = route.status === "disabled" ? "" : browserAddress(route);
  return html`
    <${Detail} page="routes" back="routes" title=${route.name}>
      <${Status} of=${route.status} />
      ${route.errors.map((e) => html`<${Notice} key=${e} tone=${route.status === "disabled" ? "error" : "warn"} title=${e} />`)}
      <div class="rule-box"><${Rule} text=${route.rule} /></div>
      ${open && html`<p><${Outside} href=${open} /></p>`}
      <${Facts} of=${[
        ["Entry points", route.entryPoints.join(", ")],
        ["TLS", route.tls ? "yes" : "no"],
        ["Priority", route.priority],
        ["Middlewares", route.middlewares.length ? html`<ol class="plain">${route.middlewares.map((m) => html`<li key=${m}>${m}</li>`)}</ol>` : "none"],
        ["Service", route.service],
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
