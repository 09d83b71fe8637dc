// Logs of one service: what the stack keeps of its lines, live, those of a process as a
// terminal shows them; or the last lines of a project's process.
import { html } from "../../html.js";
import { query, setQuery } from "../../address.js";
import { useFetch } from "../../fetch.js";
import { exact } from "../../text.js";
import { LogView } from "../../parts/logview.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";

const most = 500; // lines that are shown

export const ServiceLogs = ({ of }) => (of.runtime ? html`<${ProcessOutput} of=${of.runtime} />` : html`<${LogView} key=${of.name} fixed=${{ service: of.name }} console=${Boolean(of.composed)} empty=${html`<${Silent} of=${of} />`} />`);

const Silent = ({ of }) => html`
  <${Empty} title="It has said nothing yet">${of.composed ? "What its process writes is here as it comes." : "Lines of services of your own come by OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT to this stack's."}<//>
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
