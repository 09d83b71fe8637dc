// Services is what runs behind the gateway: the user's own, those built in, and the
// processes of deployed projects; and who else takes part by Kafka or by traces.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { go, hrefTo, segments } from "../address.js";
import { useFetch } from "../fetch.js";
import { useChannel } from "../live.js";
import { providers, servicesOf, usage } from "../services.js";
import { routes, services, system } from "../state.js";
import { bytes, exact, percent, plural, uptime } from "../text.js";
import { Outside } from "../parts/copy.js";
import { FaultMark } from "../parts/fault.js";
import { Filter, filterText } from "../parts/filter.js";
import { lazy } from "../parts/lazy.js";
import { Empty, Loading } from "../parts/notice.js";
import { Detail, Split } from "../parts/split.js";
import { Status } from "../parts/status.js";
import { Tabs } from "../parts/tabs.js";
import { ActionProblem, Buttons, useActions } from "./services/actions.js";
import { useResources } from "./routes/resources.js";
import { Overview } from "./services/overview.js";

const Endpoints = lazy("endpoints", () => import("./services/endpoints.js").then((m) => m.Endpoints));
const Environment = lazy("the environment", () => import("./services/environment.js").then((m) => m.Environment));
const Logs = lazy("logs", () => import("./services/logs.js").then((m) => m.ServiceLogs));

const pause = 2000; // between two looks at projects' processes

export function ServicesPage() {
  const none = system.value && !system.value.parts.some((part) => part.kind === "service"); // nobody runs projects
  const { answer } = useFetch(none ? "" : "/api/runtimes", { every: pause });
  const { items: balancers } = useResources("http", "services");
  const [map, setMap] = useState(null);
  useChannel("map", {}, setMap, () => setMap((before) => before ?? { nodes: [], edges: [] }));
  if (!system.value || !routes.value || !services.value) return html`<${Loading} what="services" />`;
  const all = servicesOf(system.value, routes.value, answer?.ok ? answer.body.items : [], balancers ?? [], (none || answer) && map, services.value.items); // projects are known by then
  const [, name, tab = "overview", rest] = segments.value;
  const chosen = all.find((service) => service.name === name);
  return html`<${Split} wide
    list=${html`<${List} all=${all} chosen=${name} />`}
    detail=${name && html`<${Service} key=${name} name=${name} of=${chosen} tab=${tab} rest=${rest} known=${(none || answer !== null) && map !== null} />`}
  />`;
}

function List({ all, chosen }) {
  const text = filterText();
  const shown = all.filter((s) => `${s.name} ${s.group} ${s.state} ${s.detail} ${providerOf(s)}`.toLowerCase().includes(text));
  const groups = ["Yours", "Built in", "Projects", "Elsewhere"].map((title) => [title, shown.filter((s) => s.group === title)]).filter(([, list]) => list.length);
  return html`
    <header class="page-head">
      <h1 class="page-title">Services</h1>
      <span class="muted">${plural(shown.length, "service")}${text && ` of ${all.length}`}</span>
      <span class="spring"></span>
      <${Filter} label="Filter by name, state, provider" />
    </header>
    ${!shown.length && text && html`<${Empty} title="No service matches “${text}”">The filter looks at names, states and reasons.<//>`}
    ${!all.length && html`<${Empty} title="No services yet">Label one in your compose file, for example <code class="block">traefik.http.routers.shop.rule=Host(\`shop.localhost\`)</code><//>`}
    ${shown.length > 0 && html`
      <table class="table services choosable ${shown.some((s) => usageOf(s).cpu !== undefined) ? "" : "unmeasured"}">
        <thead><tr><th>State</th><th>Service</th><th class="at-by">Run by</th><th class="at-where">Where</th><th class="number at-restarts">Restarts</th><th class="at-up">Up</th><th class="number at-cpu">CPU</th><th class="number at-memory">Memory</th><th class="number at-routes">Routes</th></tr></thead>
        <tbody>
          ${groups.map(([title, list]) => html`
            ${groups.length > 1 && html`<tr key=${title} class="group"><td colspan="9">${title}</td></tr>`}
            ${list.map((s) => html`<${Row} key=${s.group + s.name} of=${s} chosen=${chosen === s.name} />`)}
          `)}
        </tbody>
      </table>
    `}
  `;
}

function Row({ of, chosen }) {
  const href = hrefTo("services", of.name);
  const { restarts, startedAt, cpu, memory } = usageOf(of);
  return html`
    <tr class=${chosen ? "chosen" : ""} onClick=${(e) => e.target.closest("a") || go(href)}>
      <td class="at-status"><${Status} of=${of.state} /></td>
      <td class="at-name"><a data-item href=${href} aria-current=${chosen ? "true" : undefined}>${of.name}</a><${FaultMark} kind="service" name=${of.name} />${of.detail && html` <span class="muted service-why" title=${of.detail}>${of.detail}</span>`}</td>
      <td class="at-by muted" title=${of.composed?.reason}>${providerOf(of)}</td>
      <td class="at-where mono">${whereOf(of)}</td>
      <td class="at-restarts number ${restarts > 0 ? "" : "muted"}">${restarts}</td>
      <td class="at-up muted" title=${startedAt && exact(startedAt)}>${startedAt && uptime(startedAt)}</td>
      <td class="at-cpu number muted">${startedAt && cpu !== undefined && percent(cpu)}</td>
      <td class="at-memory number muted">${memory > 0 && bytes(memory)}</td>
      <td class="at-routes number muted">${of.routes.length || ""}</td>
    </tr>
  `;
}

function usageOf({ composed, part, runtime }) {
  if (composed) return usage(composed);
  return { restarts: runtime?.restarts, startedAt: runtime?.startedAt ?? part?.instances?.[0]?.startedAt ?? "" };
}

// providerOf is who runs a service.
function providerOf({ composed, part, runtime, peer }) {
  if (composed) return providers[composed.provider] ?? composed.provider;
  if (part) return part.yours || part.state === "absent" ? "you" : "axion itself";
  return runtime ? "project" : peer ? "elsewhere" : "you";
}

// whereOf is the address of a service's first instance, and how many there are more. That
// of a process that runs is a link, since it speaks HTTP as a rule.
function whereOf({ composed, part, runtime, servers = [] }) {
  const ports = composed?.ports.map((p) => p.address);
  const all = ports ?? part?.instances?.map((i) => i.address) ?? (runtime ? [runtime.address.replace(/^https?:\/\//, "")] : part?.address ? [part.address] : servers.map((s) => s.url));
  if (!all.length) return "";
  const shown = all.length > 1 ? `${all[0]} +${all.length - 1}` : all[0];
  return composed?.provider === "process" && composed.state === "running" ? html`<${Outside} href=${"http://" + all[0]} text=${shown} />` : shown;
}

// partsOf are the parts of a service's view. What speaks no HTTP has no endpoints.
const partsOf = ({ peer, composed, routes }) => [
  "overview",
  ...(composed ? ["environment"] : []),
  "logs",
  ...(peer || (composed && composed.provider !== "process" && !routes.length) ? [] : ["endpoints"]),
];

function Service({ name, of, tab, rest, known }) {
  const [base, setBase] = useState(null);
  const actions = useActions(name);
  const at = (part) => "/" + ["services", name, ...(part === "overview" ? [] : [part])].map(encodeURIComponent).join("/");
  return html`
    <${Detail} page="services" back="services" title=${name}>
      ${!of && !known && html`<${Loading} what="service" />`}
      ${!of && known && html`<${Empty} title="There is no such service now">It was removed, or its labels were, or it no longer reads Kafka.<//>`}
      ${of && html`
        <div class="service-head"><${Status} of=${of.state} />${of.detail && !of.composed && html`<span class="muted">${of.detail}</span>`}${of.base && html`<${Outside} href=${of.base} />`}<span class="spring"></span>${of.composed && html`<${Buttons} of=${of.composed} ...${actions} />`}</div>
        <${ActionProblem} name=${name} of=${actions.problem} />
        <${Tabs} label="Parts of the service" of=${partsOf(of).map((part) => [part === "logs" && of.composed ? "Console" : part[0].toUpperCase() + part.slice(1), at(part), part === tab])} />
        ${tab === "overview" && html`<${Overview} of=${of} />`}
        ${tab === "environment" && of.composed && html`<${Environment} key=${name} of=${of.composed} />`}
        ${tab === "endpoints" && html`<${Endpoints} of=${of} chosen=${rest} base=${base ?? of.base} setBase=${setBase} />`}
        ${tab === "logs" && html`<${Logs} of=${of} />`}
      `}
    <//>
  `;
}
