// What a span says of itself, the message that it is about, and what was logged in
// it. All of it is shown as text.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { get } from "../api.js";
import { bytes, exact, plural } from "../text.js";
import { messageOf, shortly } from "../waterfall.js";
import { Copyable } from "../parts/copy.js";
import { Json } from "../parts/json.js";
import { DetailList } from "../parts/split.js";
import { Status } from "../parts/status.js";

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export function Inside({ row: { span, at, wait, waitedIn }, logs }) {
  const here = useRef(null);
  useEffect(() => here.current?.parentElement.scrollIntoView({ block: "nearest" }), []);
  const message = messageOf(span);
  const statement = span.attributes["db.query.text"] ?? span.attributes["db.statement"];
  return html`
    <div class="span-inside" ref=${here}>
      ${span.error && html`<p class="span-error"><${Status} of="error" word=${span.error} /></p>`}
      ${statement && html`<pre class="span-statement">${statement}</pre>`}
      <${DetailList} of=${[
        ["Part", span.service + (span.instance ? " " + span.instance : "")],
        ["Kind", span.kind],
        ["After", shortly(at)],
        [waitedIn === "outbox" ? "Waited in the outbox" : "Waited in its topic", wait > 0 ? shortly(wait) : ""],
        ["Span", html`<${Copyable} text=${span.spanId} />`],
        ...span.links.map((link) => ["Caused by", html`<a class="mono" href=${`/flow/${link.traceId}/${link.spanId}`}>${link.traceId}</a>`]),
      ]} />
      ${message && html`<${Message} key=${JSON.stringify(message)} at=${message} />`}
      ${span.events.length > 0 && html`<h4 class="span-title">Events</h4>`}
      ${span.events.map((event, i) => html`<p key=${i} class="span-event"><span class="muted" title=${exact(event.time)}>${event.name}</span> <span class="mono">${JSON.stringify(event.attributes)}</span></p>`)}
      ${logs.length > 0 && html`<h4 class="span-title">Logs</h4><${LogLines} lines=${logs} />`}
      <h4 class="span-title">Attributes</h4>
      <${DetailList} of=${[
        ...Object.entries(span.attributes)
          .filter(([name]) => !["db.query.text", "db.statement"].includes(name))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, html`<span class="mono">${written(value)}</span>`]),
      ]} />
    </div>
  `;
}

// hrefOf is where the Topics page shows a message.
const hrefOf = ({ topic, partition, offset }) => `/topics/${encodeURIComponent(topic)}/messages/${partition}/${offset}`;

// Message is what was sent: read from its topic when somebody looks.
function Message({ at }) {
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    let gone = false;
    const search = new URLSearchParams({ partition: at.partition, offset: at.offset, limit: 1 });
    get(`/api/topics/${encodeURIComponent(at.topic)}/messages?${search}`).then((answer) => !gone && setAnswer(answer));
    return () => (gone = true);
  }, []);
  const found = answer?.ok && answer.body.items.find((item) => String(item.offset) === at.offset && String(item.partition) === at.partition);
  return html`
    <h4 class="span-title">Message</h4>
    <p><a class="mono" href=${hrefOf(at)}>${at.topic} ${at.partition}:${at.offset}</a>${found && html`<span class="muted"> ${bytes(found.size)}</span>`}</p>
    ${!answer && html`<p class="loading" role="status">Loading the message…</p>`}
    ${answer && !found && html`<p class="muted">${answer.ok ? "It is no longer in its topic." : answer.problem.detail}</p>`}
    ${found && html`<${Json} value=${found.value} /><${Headers} of=${found.headers} />`}
  `;
}

const Headers = ({ of }) => html`
  <details class="span-headers">
    <summary>${plural(of.length, "header")}</summary>
    <${DetailList} of=${of.map(({ name, value }) => [name, html`<span class="mono">${value}</span>`])} />
  </details>
`;

const tones = { error: "error", warn: "warning" };

// LogLines are lines of a log, in the order of time.
export const LogLines = ({ lines }) => html`
  <ul class="log-lines">
    ${lines.map(
      (line) => html`
        <li key=${line.seq}>
          <span class="muted mono" title=${exact(line.time)}>${exact(line.time).slice(11)}</span>
          ${tones[line.level] ? html`<${Status} of=${tones[line.level]} word=${line.level} />` : html`<span class="muted">${line.level}</span>`}
          <span class="log-text"><span class="muted">${line.service.replace(/-service$/, "")}</span> ${line.message} <span class="mono muted">${attributesOf(line)}</span></span>
        </li>
      `,
    )}
  </ul>
`;

const attributesOf = ({ attributes }) => Object.entries(attributes).map(([name, value]) => `${name}=${written(value)}`).join(" ");
