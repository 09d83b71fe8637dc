// Topics is what the broker holds, and who it is for.
import { html } from "../html.js";
import { go, segments } from "../address.js";
import { topics } from "../state.js";
import { bytes, count, plural } from "../text.js";
import { topicKind } from "../topickind.js";
import { FaultMark } from "../parts/fault.js";
import { Filter, filterText } from "../parts/filter.js";
import { lazy } from "../parts/lazy.js";
import { Empty, Loading, Notice } from "../parts/notice.js";
import { Split } from "../parts/split.js";
import { Status } from "../parts/status.js";

const TopicPage = lazy("topic", () => import("./topics/topic.js").then((m) => m.TopicPage));

export function TopicsPage() {
  if (segments.value.length > 1) return html`<${TopicPage} />`;
  return html`<${Split} list=${topics.value ? html`<${List} list=${topics.value} />` : html`<${Loading} what="topics" />`} />`;
}

function List({ list }) {
  const text = filterText();
  const shown = list.items.filter((topic) => topic.name.toLowerCase().includes(text) || topicKind(topic.name).includes(text));
  const held = shown.reduce((sum, topic) => sum + topic.messages, 0);
  return html`
    <header class="page-head">
      <h1 class="page-title">Topics</h1>
      ${list.items.length > 0 && html`<span class="muted">${plural(shown.length, "topic")}, ${plural(held, "message")}</span>`}
      <span class="spring"></span>
      <a class="button" href="/topics/~groups">Consumer groups</a>
      ${list.items.length > 0 && html`<${Filter} label="Filter by name or purpose" />`}
    </header>
    ${list.error && html`<${Notice} tone="error" title="The broker's topics could not be read">${list.error}. Asked again each second.<//>`}
    ${shown.length > 0 && html`<${Table} topics=${shown} />`}
    ${!shown.length && !list.error && (text
      ? html`<${Empty} title="No topic matches “${text}”">The filter looks at names and purposes.<//>`
      : html`<${Empty} title="No topics yet">The first message to a topic creates it.<//>`)}
  `;
}

const hrefOf = (topic) => "/topics/" + encodeURIComponent(topic.name);

// Table has the topics of the system, and after them those of the broker itself.
const Table = ({ topics }) => html`
  <table class="table topics choosable">
    <thead>
      <tr><th>Topic</th><th>Purpose</th><th class="number">Messages</th><th class="number">Per second</th><th class="number">Size</th><th class="number">Partitions</th><th>Groups</th><th class="number">Lag</th></tr>
    </thead>
    <tbody>
      ${topics.toSorted((a, b) => Boolean(a.internal) - Boolean(b.internal)).map(
        (topic) => html`
          <tr key=${topic.name} class=${topic.internal ? "internal" : ""} onClick=${() => go(hrefOf(topic))}>
            <td class="at-name mono"><a data-item href=${hrefOf(topic)}>${topic.name}</a><${FaultMark} kind="topic" name=${topic.name} /></td>
            <td class="at-purpose muted">${topicKind(topic.name)}</td>
            <td class="at-messages number ${topic.messages ? "" : "muted"}"><${Messages} of=${topic} /></td>
            <td class="at-rate number ${topic.rate ? "" : "muted"}">${count(topic.rate ?? 0)}</td>
            <td class="at-bytes number muted">${topic.bytes === undefined ? "" : bytes(topic.bytes)}</td>
            <td class="at-partitions number muted">${topic.partitions.length}</td>
            <td class="at-groups muted">${(topic.groups ?? []).map((g) => g.name).join(", ")}</td>
            <td class="at-lag number"><${Lag} of=${topic.groups ?? []} /></td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

// Messages marks dead letters: any is one too many.
const Messages = ({ of }) =>
  of.name.endsWith(".dlq") && of.messages > 0 ? html`<${Status} of="warning" word=${count(of.messages)} />` : count(of.messages);

// Lag is that of the group which is furthest behind.
function Lag({ of }) {
  if (!of.length) return null;
  const most = Math.max(...of.map((g) => g.lag));
  return most > 0 ? count(most) : html`<span class="muted">0</span>`;
}
