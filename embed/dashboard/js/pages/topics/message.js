// MessageDetail is one message, whole. known is what the list has of it.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { get } from "../../api.js";
import { apiOf } from "../../messages.js";
import { ago, bytes, exact, plural } from "../../text.js";
import { Copyable } from "../../parts/copy.js";
import { Json } from "../../parts/json.js";
import { Empty, Loading, Notice } from "../../parts/notice.js";
import { Detail, DetailList } from "../../parts/split.js";

export function MessageDetail({ name, place, known }) {
  const [answer, setAnswer] = useState(null);
  const [partition, offset] = place.split(":");
  const path = `${apiOf(name)}/messages/${partition}/${offset}`;
  useEffect(() => {
    let gone = false;
    if (!known || known.cut) get(path).then((got) => !gone && setAnswer(got));
    return () => (gone = true);
  }, [path, known?.cut]);
  const m = answer?.ok ? answer.body : known;
  return html`
    <${Detail} page=${["topics", name, "messages"]} back="messages" title="Partition ${partition}, offset ${offset}">
      ${!m && !answer && html`<${Loading} what="message" />`}
      ${!m && answer && html`<${Empty} title="This message is not here">${answer.problem.detail}. Retention or compaction may have removed it.<//>`}
      ${m && html`<${Message} m=${m} path=${path} />`}
    <//>
  `;
}

const Message = ({ m, path }) => html`
  ${m.undecodable && html`<${Notice} tone="warn" title="This batch cannot be decoded">${m.undecodable}. Readers of axion go on behind it; its bytes are below.<//>`}
  <${DetailList} of=${[
    ["Time", html`<span class="mono">${exact(m.time)}</span> <span class="muted">${ago(m.time)}</span>`],
    ["Key", m.keyKind === "null" ? html`<span class="muted">none</span>` : html`<${Copyable} text=${m.key} />${m.keyKind === "binary" && html` <span class="muted">base64</span>`}`],
    ["Trace", m.traceId && html`<a class="mono" href=${"/flow/" + m.traceId}>${m.traceId}</a>`],
  ]} />
  <h3 class="section-title">Value <span class="muted">${m.kind === "null" ? "" : `${m.kind === "binary" ? "base64 of " : ""}${bytes(m.size)}`}</span></h3>
  ${m.kind === "null" ? html`<p class="muted">None: compaction takes it for the deletion of the key.</p>` : html`<${Json} value=${m.value} />`}
  ${m.cut && html`<p class="muted more">Only the beginning is shown.</p>`}
  <h3 class="section-title">${plural(m.headers.length, "header")}</h3>
  <dl class="facts headers">
    ${m.headers.map((h, i) => html`<div key=${i}><dt class="mono">${h.name}</dt><dd>${h.kind === "null" ? html`<span class="muted">null</span>` : html`<${Copyable} text=${h.value} />`}${h.kind === "binary" && html` <span class="muted">base64</span>`}${h.cut && html` <span class="muted">cut</span>`}</dd></div>`)}
  </dl>
  <div class="actions">
    ${!m.undecodable && html`<a class="button" href=${`/topics/${encodeURIComponent(m.topic)}/produce?from=${m.partition}:${m.offset}`}>Produce again</a>`}
    ${m.size > 0 && html`<a class="button" href=${path + "/value"} download target="_self">Download value</a>`}
  </div>
`;
