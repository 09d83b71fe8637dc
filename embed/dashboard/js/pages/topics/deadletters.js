// DeadLetters are the dead letters of a service: read, put back, or dropped.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { post } from "../../api.js";
import { usePolled } from "../../polled.js";
import { ago, count, exact, plural } from "../../text.js";
import { Empty, Failure, Loading, Notice } from "../../parts/notice.js";

// serviceOf is whose dead letters a topic holds, or "".
export const serviceOf = (topic) => /^axion\.(.+)\.dlq$/.exec(topic)?.[1] ?? "";

const placeOf = (l) => `${l.partition}:${l.offset}`;

export function DeadLetters({ topic }) {
  const service = serviceOf(topic);
  const [answer, reload] = usePolled("/api/dead-letters?service=" + encodeURIComponent(service), 2000);
  const [picked, pick] = useState(new Set());
  const [asked, ask] = useState(null); // {verb, letters} to be confirmed
  const [outcome, setOutcome] = useState(null);
  if (!answer) return html`<${Loading} what="dead letters" />`;
  const letters = answer.ok ? answer.body.items : [];
  const chosen = letters.filter((l) => picked.has(placeOf(l)));
  const settle = async () => {
    ask({ ...asked, busy: true });
    const done = await post(`/api/dead-letters/${encodeURIComponent(service)}/${asked.verb}`, { places: asked.letters.map(placeOf) });
    setOutcome({ ...asked, done });
    ask(null);
    pick(new Set());
    reload();
  };
  const of = chosen.length ? chosen : letters;
  const words = chosen.length ? `${count(chosen.length)} chosen` : "all";
  return html`
    ${outcome && html`<${Outcome} of=${outcome} letters=${letters} />`}
    ${!answer.ok && html`<${Failure} title="Dead letters could not be read" problem=${answer.problem} />`}
    ${answer.ok && !letters.length && html`<${Empty} title="No dead letters">A message that ${service} fails to process for good is put here, with where it came from and the error.<//>`}
    ${letters.length > 0 && html`
      <div class="actions letters-actions">
        <button class="button" onClick=${() => ask({ verb: "replay", letters: of })}>Replay ${words}</button>
        <button class="button danger" onClick=${() => ask({ verb: "drop", letters: of })}>Drop ${words}</button>
        <span class="muted">${plural(letters.length + answer.body.left, "dead letter")}</span>
      </div>
      ${asked && html`<${Confirm} asked=${asked} service=${service} settle=${settle} cancel=${() => ask(null)} />`}
      <${Table} topic=${topic} letters=${letters} picked=${picked} pick=${pick} />
    `}
  `;
}

// Confirm says beforehand what it changes.
function Confirm({ asked, service, settle, cancel }) {
  const to = Map.groupBy(asked.letters, (l) => l.from.topic);
  const n = plural(asked.letters.length, "message");
  return html`
    <div class="notice warn" role="alertdialog" aria-label="Confirm">
      <div class="notice-text">
        <strong>${asked.verb === "replay" ? `Put ${n} back` : `Forget ${n}`}?</strong>
        <div>${asked.verb === "replay"
          ? html`${[...to].map(([topic, letters], i) => html`${i > 0 && ", "}${count(letters.length)} to <span class="mono">${topic}</span>`)}, with the same key, headers and ids, at the topic's end. ${service} handles what it has not handled yet; the dead letters go.`
          : html`The dead letters go, and ${service} never sees the messages again. Their topics keep them until retention removes them.`}</div>
        <div class="actions confirm-actions">
          <button class="button ${asked.verb === "drop" ? "danger" : "primary"}" disabled=${asked.busy} onClick=${settle}>${asked.verb === "replay" ? "Replay" : "Drop"} ${count(asked.letters.length)}</button>
          <button class="button" onClick=${cancel}>Cancel</button>
        </div>
      </div>
    </div>
  `;
}

// Outcome tells what became of them: one that failed again is here again,
// with the same id.
function Outcome({ of: { verb, done, letters: sent }, letters }) {
  if (!done.ok) return html`<${Failure} title=${`The dead letters were not ${verb === "drop" ? "dropped" : "replayed"}`} problem=${done.problem} />`;
  if (verb === "drop") return html`<${Notice} tone="info" title="${plural(done.body.done, "dead letter")} dropped" />`;
  const ids = new Set(sent.map((l) => l.id).filter(Boolean));
  const back = letters.filter((l) => ids.has(l.id)).length;
  const traces = [...new Set(done.body.items.map((l) => l.traceId).filter(Boolean))].slice(0, 5);
  return html`
    <${Notice} tone=${back ? "warn" : "info"} title="${plural(done.body.done, "message")} replayed">
      ${back > 0 && html`${plural(back, "message")} failed again. `}
      ${traces.length > 0 && html`See ${traces.map((id, i) => html`${i > 0 && ", "}<a href=${"/flow/" + id}>trace ${id.slice(0, 8)}</a>`)}.`}
    <//>
  `;
}

function Table({ topic, letters, picked, pick }) {
  const toggle = (place) => pick((before) => {
    const next = new Set(before);
    if (!next.delete(place)) next.add(place);
    return next;
  });
  const all = picked.size > 0 && letters.every((l) => picked.has(placeOf(l)));
  return html`
    <table class="table letters">
      <thead><tr><th><input type="checkbox" aria-label="Choose all" checked=${all} onChange=${() => pick(all ? new Set() : new Set(letters.map(placeOf)))} /></th><th>Place</th><th>Type</th><th>Error</th><th>From</th><th class="number">Attempts</th><th>When</th></tr></thead>
      <tbody>
        ${letters.map((l) => html`
          <tr key=${placeOf(l)}>
            <td class="at-choose"><input type="checkbox" aria-label="Choose ${placeOf(l)}" checked=${picked.has(placeOf(l))} onChange=${() => toggle(placeOf(l))} /></td>
            <td class="at-place mono"><a data-item href=${`/topics/${encodeURIComponent(topic)}/messages/${l.partition}/${l.offset}`}>${placeOf(l)}</a></td>
            <td class="at-type mono">${l.batch ? html`<span class="sampled">undecodable batch</span>` : l.type}</td>
            <td class="at-error">${l.error}${l.traceId && html` <a href=${"/flow/" + l.traceId}>trace</a>`}</td>
            <td class="at-from mono"><a href=${`/topics/${encodeURIComponent(l.from.topic)}/messages/${l.from.partition}/${l.from.offset}`}>${l.from.topic} ${l.from.partition}:${l.from.offset}</a></td>
            <td class="at-attempts number muted">${l.attempts}</td>
            <td class="at-when muted" title=${exact(l.time)}>${ago(l.time)}</td>
          </tr>
        `)}
      </tbody>
    </table>
  `;
}
