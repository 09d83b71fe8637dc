// Composed is how a service of the compose file is: who provides it and why, what its
// processes take, where it listens; and where it does not run, why, and its last lines.
import { html } from "../../html.js";
import { useFetch } from "../../fetch.js";
import { providers, usage } from "../../services.js";
import { ago, bytes, duration, exact, percent, plural, uptime } from "../../text.js";
import { Ansi } from "../../parts/ansi.js";
import { Copyable } from "../../parts/copy.js";
import { Notice } from "../../parts/notice.js";
import { DetailList } from "../../parts/split.js";
import { causeOf, eventLooks } from "../../parts/recentactivity.js";
import { Snippet } from "../../parts/snippet.js";
import { Status } from "../../parts/status.js";

export const Composed = ({ of, routed }) => html`
  <${Trouble} of=${of} />
  ${of.proposal && html`<${Proposal} of=${of} />`}
  <${Facts} of=${of} />
  ${of.instances.length > 1 && html`<${Instances} of=${of.instances} />`}
  ${of.ports.length > 0 && html`<${Ports} of=${of} routed=${routed} />`}
  ${of.events?.length > 0 && html`<${Events} of=${of.events} />`}
  ${of.notes?.length > 0 && html`<h3 class="section-title">Other than the file asks for</h3><ul class="notes">${of.notes.map((note) => html`<li key=${note}>${note}</li>`)}</ul>`}
`;

const Events = ({ of }) => html`
  <h3 class="section-title">What happened</h3>
  <ul class="service-events">
    ${of.toReversed().map((event) => html`<li key=${event.at + event.kind}><${Status} of=${eventLooks[event.kind]?.[0]} word=${eventLooks[event.kind]?.[1] ?? event.kind} /><span class="service-cause">${causeOf(event)}</span><span class="muted" title=${exact(event.at)}>${ago(event.at)}</span></li>`)}
  </ul>
`;

const calm = ["running", "completed", "stopped"];
const titles = { waiting: "It waits", starting: "It is starting", restarting: "It is started again", failed: "It does not run", unhealthy: "It runs, and its health check fails" };

// Trouble says why a service does not run, with the last lines it wrote.
function Trouble({ of }) {
  const wrong = ["failed", "restarting", "unhealthy"].includes(of.state);
  if (calm.includes(of.state) && !of.detail) return null;
  return html`
    <${Notice} tone=${wrong ? "error" : of.provider === "yours" && of.state === "waiting" ? "warn" : "info"} title=${titles[of.state] ?? of.detail}>
      ${titles[of.state] && html`<span class="trouble">${of.detail}</span>`}
      ${of.hint && html`<div class="muted">${of.hint}</div>`}
    <//>
    ${wrong && html`<${LastLines} of=${of} />`}
    ${of.state === "failed" && html`<${Snippet} file=${of.file} line=${of.line} />`}
  `;
}

const lastLines = 12;

// LastLines are what a process wrote at its end; of one that runs on, its newest.
function LastLines({ of }) {
  const ended = of.instances.find((i) => i.lastLines?.length)?.lastLines;
  const { answer } = useFetch(ended ? "" : `/api/logs?${new URLSearchParams({ service: of.name, field: "stream", limit: lastLines })}`, { reloadKey: of.state });
  const lines = ended ?? (answer?.ok ? answer.body.items.map((line) => line.message) : []);
  if (!lines.length) return null;
  return html`
    <h3 class="section-title">Its last lines</h3>
    <pre class="last-lines" tabindex="0" aria-label="Last lines">${lines.map((line, i) => html`<div key=${i}><${Ansi} text=${line} /></div>`)}</pre>
  `;
}

// nextStart is when a process that has ended is started again.
function nextStart({ instances }) {
  const at = instances.map((i) => i.nextStart).filter(Boolean).sort()[0];
  const left = Math.ceil((Date.parse(at) - Date.now()) / 1000);
  return left > 0 && html`<span title=${exact(at)}>in ${duration(left * 1000)}</span>`;
}

const Proposal = ({ of }) => html`
  <${Notice} tone="info" title="It could be run by: ${of.proposal}">
    Nothing runs by guess. For this run <${Copyable} text="axion up --yes" />, for good <${Copyable} text="axion init" />, which asks and writes it into axion.yaml.
  <//>
`;

function Facts({ of }) {
  const { restarts, startedAt, cpu, memory } = usage(of);
  const ran = of.instances.filter((i) => !i.pid && (i.exitCode || i.signal || of.state === "completed"));
  return html`
    <${DetailList} of=${[
      ["Provided by", html`${providers[of.provider] ?? of.provider}${of.reason && html`<span class="muted">: ${of.reason}</span>`}`],
      ["Image", of.image && html`<span class="mono">${of.image}</span>`],
      ["Command", of.command?.length > 0 && html`<${Copyable} text=${of.command.join(" ")} />`],
      ["In the file", of.file && html`<span class="mono">${of.file}:${of.line}</span>`],
      ["Up", startedAt && html`<span title=${exact(startedAt)}>${uptime(startedAt)}</span>`],
      ["Restarts", restarts],
      ["Next start", nextStart(of)],
      ["Last end", ran.length > 0 && endOf(ran[0])],
      ["CPU", startedAt && cpu !== undefined && html`${percent(cpu)} <span class="muted">of a core</span>`],
      ["Memory", memory > 0 && bytes(memory)],
      ["Process", of.instances.some((i) => i.pid) && of.instances.map((i) => i.pid).filter(Boolean).join(", ")],
    ].filter(([, value]) => value !== false)} />
  `;
}

const endOf = ({ exitCode, signal }) => (signal ? `by signal ${signal}` : `exit code ${exitCode}`);

const Instances = ({ of }) => html`
  <h3 class="section-title">${plural(of.length, "instance")}</h3>
  <table class="table plain-table of-instances">
    <thead><tr><th>Process</th><th>Up</th><th class="number">Restarts</th><th class="number">CPU</th><th class="number">Memory</th></tr></thead>
    <tbody>
      ${of.map((i, n) => html`<tr key=${n}>
        <td>${i.pid || endOf(i)}</td>
        <td>${i.pid > 0 && html`<span title=${exact(i.startedAt)}>${uptime(i.startedAt)}</span>`}</td>
        <td class="number">${i.restarts}</td>
        <td class="number">${i.cpu !== undefined && percent(i.cpu)}</td>
        <td class="number">${i.memory > 0 && bytes(i.memory)}</td>
      </tr>`)}
    </tbody>
  </table>
`;

// Ports are where the service listens. Those of a process, and what routes lead to, speak
// HTTP as a rule: they are links.
function Ports({ of, routed }) {
  const http = of.provider === "process" || routed;
  return html`
    <h3 class="section-title">${plural(of.ports.length, "port")}</h3>
    <ul class="ports">
      ${of.ports.map((p) => html`
        <li key=${p.address + p.port}>
          <span class="muted">${p.port ? `${p.port} in a container,` : ""} here</span> <${Copyable} text=${p.address} href=${http ? "http://" + p.address : undefined} />
          ${p.published?.map((at) => html`<span key=${at} class="published"><span class="muted">published at</span> <${Copyable} text=${at} href=${http ? "http://" + at : undefined} /></span>`)}
        </li>
      `)}
    </ul>
  `;
}
