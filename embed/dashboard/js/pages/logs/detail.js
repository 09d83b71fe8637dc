// LogDetail is one line with all that it says, each of which filters the list.
import { html } from "../../html.js";
import { useFetch } from "../../fetch.js";
import { exact } from "../../text.js";
import { plainOf } from "../../ansi.js";
import { Ansi } from "../../parts/ansi.js";
import { CopyButton } from "../../parts/copy.js";
import { tones, written } from "../../parts/logview.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";

export function LogDetail({ seq }) {
  const { answer, retry } = useFetch(`/api/logs/${encodeURIComponent(seq)}`);
  return html`
    <${Detail} page="logs" back="logs" title="Line ${seq}">
      ${!answer && html`<${Loading} what="line" />`}
      ${answer?.status === 404 && html`<${Empty} title="This line is not here">It made room for newer ones, or is of an earlier run of the stack.<//>`}
      ${answer && !answer.ok && answer.status !== 404 && html`<${Failure} title="The line could not be read" problem=${answer.problem} retry=${retry} />`}
      ${answer?.ok && html`<${Whole} of=${answer.body} />`}
    <//>
  `;
}

const filter = (name, value) => "/logs?" + new URLSearchParams({ [name]: value });

function Whole({ of }) {
  const attributes = Object.entries(of.attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return html`
    <div class="log-whole"><pre tabindex="0" aria-label="Message"><${Ansi} text=${of.message} /></pre><${CopyButton} text=${plainOf(of.message)} what="message" /></div>
    <${DetailList} of=${[
      ["Level", html`<${Status} of=${tones[of.level] ?? "none"} word=${of.level} />`],
      ["Service", html`<a href="/services/${encodeURIComponent(of.service)}">${of.service}</a>${of.instance && ` ${of.instance}`} · <a href=${filter("service", of.service)}>its lines</a>`],
      ["Time", html`<span class="mono">${exact(of.time)}</span>`],
      ["Trace", of.traceId && html`<a class="mono" href="/flow/${of.traceId}${of.spanId ? "/" + of.spanId : ""}">${of.traceId}</a> · <a href=${filter("trace", of.traceId)}>its lines</a>`],
    ]} />
    ${attributes.length > 0 && html`
      <h3 class="section-title">Fields</h3>
      <dl class="facts log-fields">
        ${attributes.map(([name, value]) => html`<div key=${name}><dt><a class="mono" href=${filter("field", `${name}=${written(value)}`)} title="Lines with this value">${name}</a></dt><dd class="mono"><${Ansi} text=${written(value)} /></dd></div>`)}
      </dl>
    `}
    <h3 class="section-title">As JSON <${CopyButton} text=${JSON.stringify(of)} what="line as JSON" /></h3>
  `;
}
