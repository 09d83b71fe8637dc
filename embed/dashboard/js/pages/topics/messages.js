// Messages of a topic: live or from any place, filtered, and one of them opened.
import { html } from "../../html.js";
import { go, hrefTo, query, setQuery } from "../../address.js";
import { canFollow, idOf, useMessages, wantedOf } from "../../messages.js";
import { useStableList } from "../../stablelist.js";
import { bytes, count, exact, plural } from "../../text.js";
import { Filter } from "../../parts/filter.js";
import { Empty, Failure, Loading, Notice } from "../../parts/notice.js";
import { Split } from "../../parts/split.js";
import { Rows } from "../../parts/virtual.js";
import { MessageDetail } from "./message.js";

export function Messages({ name, topic, head, chosen }) {
  const { held, top, bind } = useStableList();
  const wanted = wantedOf(query.value);
  const live = canFollow(wanted) && query.value.get("live") !== "off";
  const list = useMessages(name, wanted, live, held);
  const open = chosen && list.items?.find((m) => !m.gap && idOf(m) === chosen);
  return html`<${Split} wide
    list=${html`
      ${head}
      <${Filters} wanted=${wanted} partitions=${topic?.partitions.length ?? 0} live=${live} />
      <div ...${bind}>
        <${ListStatus} list=${list} live=${live} held=${held} resume=${() => { list.show(); top(); }} />
        ${!list.items && !list.problem && html`<${Loading} what="messages" />`}
        ${list.problem && html`<${Failure} title="Messages could not be read" problem=${list.problem} />`}
        ${list.items?.length > 0 && html`<${Table} name=${name} items=${list.items} chosen=${chosen} />`}
        ${list.items?.length === 0 && !list.next && html`<${Nothing} name=${name} wanted=${wanted} topic=${topic} />`}
        ${list.items && list.next && html`<p class="more"><button class="button" disabled=${list.busy} onClick=${() => list.older(list.next)}>${list.stopped ? "Search on" : "Read on"}</button></p>`}
      </div>
    `}
    detail=${chosen && html`<${MessageDetail} key=${chosen} name=${name} place=${chosen} known=${open} />`}
  />`;
}

// ListStatus is how far the list reaches, and what waits.
const ListStatus = ({ list, live, held, resume }) => html`
  <p class="tail-state muted" role="status">
    ${live && !list.ended && html`<span class="live-mark ${held ? "held" : ""}">${held ? "Live, paused while you read" : "Live"}</span>`}
    ${list.waiting.length > 0 && html`<button class="button fresh" onClick=${resume}>${count(list.waiting.reduce((n, m) => n + (m.gap ?? 1), 0))} new</button>`}
    ${list.left > 0 && html`<span class="sampled">Sampled: ${plural(list.left, "message")} left out, more came than can be shown.</span>`}
    ${list.searched > 0 && html`<span>Searched ${plural(list.searched, "message")}${list.next && list.through ? html`, to <span title=${exact(list.through)}>${clock(list.through)}</span>` : ""}${list.stopped ? `; it stopped there (${list.stopped === "time" ? "3 seconds" : list.stopped === "bytes" ? "64 MiB" : "20,000 messages"})` : ""}.</span>`}
  </p>
  ${list.ended && html`<${Notice} tone="warn" title="The list is no longer live">${list.ended}<//>`}
`;

const clock = (time) => new Date(time).toLocaleTimeString("en-GB");

// Field is a filter. One that is whole sends its text once it is done: while it is
// typed it would be wrong most of the time.
const Field = ({ name, label, hint, type = "text", wide, whole }) => html`
  <label class="choice-filter ${wide ? "filter-wide" : ""}">
    <span>${label}</span>
    <input type=${type} step=${type === "datetime-local" ? "1" : undefined} min=${type === "number" ? "0" : undefined} placeholder=${hint} spellcheck="false" autocomplete="off" value=${query.value.get(name) ?? ""} ...${{ [whole ? "onChange" : "onInput"]: (e) => setQuery(name, e.target.value) }} />
  </label>
`;

const Filters = ({ wanted, partitions, live }) => html`
  <div class="flow-filters tail-filters">
    <${Filter} label="Find in key, value, headers" />
    <label class="choice-filter"><span>Order</span>
      <select value=${wanted.order ?? ""} onChange=${(e) => setQuery("order", e.target.value)}>
        ${[["", wanted.offset || wanted.time ? "from there on" : "newest first"], ["oldest", "oldest first"], ["newest", "newest first, to there"]].map(([value, text]) => (value === "newest" && !wanted.offset && !wanted.time ? null : html`<option key=${value} value=${value} selected=${(wanted.order ?? "") === value}>${text}</option>`))}
      </select>
    </label>
    ${partitions > 1 && html`<label class="choice-filter"><span>Partition</span>
      <select value=${wanted.partition ?? ""} onChange=${(e) => setQuery("partition", e.target.value)}>
        <option value="">all</option>
        ${Array.from({ length: partitions }, (_, id) => html`<option key=${id} value=${id} selected=${wanted.partition === String(id)}>${id}</option>`)}
      </select>
    </label>`}
    <label class="only"><input type="checkbox" checked=${live} disabled=${!canFollow(wanted)} onChange=${(e) => setQuery("live", e.target.checked ? "" : "off")} /> live</label>
    <details class="more-filters" open=${["key", "header", "path", "time", "until", "offset"].some((name) => query.value.get(name))}>
      <summary>More filters</summary>
      <div>
        <${Field} name="key" label="Key has" hint="project id" />
        <${Field} name="header" label="Header" hint="ce_type=CREATED" />
        <${Field} name="path" label="JSON path" hint='$.data.price > 10' wide whole />
        <${Field} name="offset" label="From offset" type="number" hint="0" />
        <${Field} name="time" label="From time" type="datetime-local" />
        <${Field} name="until" label="Until" type="datetime-local" />
      </div>
    </details>
  </div>
`;

const Table = ({ name, items, chosen }) => html`
  <table class="table messages choosable" aria-rowcount=${items.length}>
    <thead><tr><th>Time</th><th>Place</th><th>Key</th><th>Value</th><th class="number">Size</th></tr></thead>
    <${Rows} items=${items} height=${32} narrow=${60} columns=${5} row=${(m) => (m.gap ? html`<${Gap} key=${"gap" + m.id} n=${m.gap} />` : html`<${Row} key=${idOf(m)} name=${name} m=${m} chosen=${idOf(m) === chosen} />`)} />
  </table>
`;

const Gap = ({ n }) => html`<tr class="gap"><td colspan="5">${plural(n, "message")} left out: more came than can be shown</td></tr>`;

const shortly = (text) => (text.length > 200 ? text.slice(0, 200) : text).replace(/\s+/g, " ");

function Row({ name, m, chosen }) {
  const href = hrefTo("topics", name, "messages", String(m.partition), String(m.offset));
  const type = m.headers.find((h) => h.name === "ce_type")?.value;
  return html`
    <tr class=${chosen ? "chosen" : ""} onClick=${() => go(href)}>
      <td class="at-time mono" title=${exact(m.time)}>${exact(m.time).slice(11)}</td>
      <td class="at-place mono"><a data-item href=${href} aria-current=${chosen ? "true" : undefined} aria-label="${m.partition}:${m.offset}, partition ${m.partition}, offset ${m.offset}">${m.partition}:${m.offset}</a></td>
      <td class="at-key mono">${m.keyKind === "null" ? html`<span class="muted">–</span>` : shortly(m.key)}</td>
      <td class="at-value mono">${type && html`<b>${type}</b>${" "}`}${m.undecodable ? html`<span class="sampled">undecodable batch</span>` : m.kind === "null" ? html`<span class="muted">no value</span>` : m.kind === "binary" ? html`<span class="muted">binary</span>` : shortly(m.value)}</td>
      <td class="at-size number muted">${bytes(m.size)}</td>
    </tr>
  `;
}

function Nothing({ name, wanted, topic }) {
  const filters = Object.keys(wanted).filter((key) => key !== "order").length;
  if (filters) return html`<${Empty} title="No message matches">All that the topic holds was looked at. <a href=${"/topics/" + encodeURIComponent(name)}>Show all messages</a><//>`;
  return html`<${Empty} title="No messages yet">${topic?.internal ? "The broker writes to this topic by itself." : html`The next one is here as it comes. <a href=${`/topics/${encodeURIComponent(name)}/produce`}>Produce one</a>`}<//>`;
}
