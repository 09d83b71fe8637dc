// Logs of one service: what the stack keeps of its lines, live; or the last lines
// of a project's process.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { query, setQuery } from "../../address.js";
import { useFetch } from "../../fetch.js";
import { useChannel } from "../../live.js";
import { count, exact, plural } from "../../text.js";
import { Empty, Failure, Loading, Notice } from "../../parts/notice.js";
import { Status } from "../../parts/status.js";

const most = 500; // lines that are shown
const levels = ["debug", "info", "warn", "error"];

export const ServiceLogs = ({ of }) => (of.runtime ? html`<${ProcessOutput} of=${of.runtime} />` : html`<${LogLines} key=${of.name} service=${of.name} />`);

// useTail gives the lines that match, newest first: {lines, waiting, problem}.
function useTail(asked, held) {
  const [lines, setLines] = useState(null);
  const [waiting, setWaiting] = useState([]);
  const [problem, setProblem] = useState("");
  const wanted = JSON.stringify(asked);
  useEffect(() => {
    setLines(null);
    setWaiting([]);
    setProblem("");
  }, [wanted]);
  const add = (before, items) => [...new Map([...items.toReversed(), ...(before ?? [])].map((line) => [line.seq, line])).values()].sort((a, b) => b.seq - a.seq).slice(0, most);
  useChannel("logs", asked, ({ items }) => {
    if (held && lines) setWaiting((before) => add(before, items));
    else setLines((before) => add(before, items));
  }, setProblem);
  useEffect(() => {
    if (held || !waiting.length) return;
    setLines((before) => add(before, waiting));
    setWaiting([]);
  }, [held]);
  return { lines, waiting, problem };
}

function LogLines({ service }) {
  const [over, setOver] = useState(false);
  const [paused, pause] = useState(false);
  const level = query.value.get("level") ?? "";
  const text = query.value.get("text") ?? "";
  const { lines, waiting, problem } = useTail({ service, limit: String(most), ...(level && { level }), ...(text && { text }) }, over || paused);
  return html`
    <div class="log-filters">
      <label class="choice-filter"><span>From level</span>
        <select value=${level} onChange=${(e) => setQuery("level", e.target.value)}><option value="">any</option>${levels.slice(1).map((l) => html`<option key=${l} value=${l} selected=${l === level}>${l}</option>`)}</select>
      </label>
      <input class="log-search" type="search" aria-label="Search in logs" placeholder="Search" spellcheck="false" value=${text} onInput=${(e) => setQuery("text", e.target.value)} />
      <button type="button" class="button fresh" aria-pressed=${paused} onClick=${() => pause(!paused)}>${paused ? "Resume" : "Pause"}</button>
      ${waiting.length > 0 && html`<span class="muted" role="status">${count(waiting.length)} new</span>`}
    </div>
    ${problem && html`<${Notice} tone="error" title="Logs are not live">${problem}<//>`}
    ${!lines && !problem && html`<${Loading} what="logs" />`}
    ${lines?.length === 0 && (level || text ? html`<${Empty} title="No line matches">The search looks at messages, trace ids and attributes.<//>` : html`<${Empty} title="It has said nothing yet">Lines of services of your own come by OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT to this stack's.<//>`)}
    ${lines?.length > 0 && html`
      <ol class="tail" onMouseEnter=${() => setOver(true)} onMouseLeave=${() => setOver(false)}>${lines.map((line) => html`<${Line} key=${line.seq} of=${line} />`)}</ol>
      <p class="muted kept">${plural(lines.length, "line")}, newest first. Kept in memory only, until the stack stops.</p>
    `}
  `;
}

const tones = { error: "error", warn: "warning", info: "info", debug: "none" };

const Line = ({ of }) => html`
  <li>
    <time class="muted" title=${exact(of.time)}>${exact(of.time).slice(11)}</time>
    <span class="tail-level"><${Status} of=${tones[of.level] ?? "none"} word=${of.level} /></span>
    <span class="tail-text"><span class="mono">${of.message}</span>
      ${Object.entries(of.attributes ?? {}).map(([name, value]) => html` <span key=${name} class="muted mono tail-attribute">${name}=${typeof value === "string" ? value : JSON.stringify(value)}</span>`)}
      ${of.traceId && html` <a href="/flow/${of.traceId}">trace</a>`}
    </span>
  </li>
`;

// ProcessOutput is the last lines that a project's process printed.
function ProcessOutput({ of }) {
  const { answer, retry } = useFetch(`/api/runtimes/${encodeURIComponent(of.projectId)}/logs?lines=${most}`, { every: 2000 });
  const text = (query.value.get("text") ?? "").toLowerCase();
  const lines = answer?.ok ? answer.body.items.filter((line) => line.text.toLowerCase().includes(text)).toReversed() : [];
  return html`
    <div class="log-filters"><input class="log-search" type="search" aria-label="Search in logs" placeholder="Search" spellcheck="false" value=${query.value.get("text") ?? ""} onInput=${(e) => setQuery("text", e.target.value)} /></div>
    ${!answer && html`<${Loading} what="logs" />`}
    ${answer && !answer.ok && html`<${Failure} title="Its lines could not be read" problem=${answer.problem} retry=${retry} />`}
    ${answer?.ok && !lines.length && html`<${Empty} title=${text ? "No line matches" : of.runtime === "static" ? "Files say nothing" : "It has said nothing yet"}>${of.runtime === "static" ? "This project is files, which infrastructure-service serves." : "What the process writes is here."}<//>`}
    ${lines.length > 0 && html`<ol class="tail plain-tail">${lines.map((line, i) => html`<li key=${lines.length - i}><time class="muted" title=${exact(line.time)}>${exact(line.time).slice(11)}</time><span class="tail-text mono">${line.text}</span></li>`)}</ol>`}
  `;
}
