// Topics is what the broker holds, and who it is for.
import { html } from "../html.js";
import { go, hrefTo, segments } from "../address.js";
import { topics } from "../state.js";
import { count, plural } from "../text.js";
import { Copyable } from "../parts/copy.js";
import { Filter, filterText } from "../parts/filter.js";
import { Empty, Loading, Notice } from "../parts/notice.js";
import { Detail, Facts, Split } from "../parts/split.js";
import { Status } from "../parts/status.js";

export function TopicsPage() {
  const list = topics.value;
  if (!list) return html`<${Loading} what="topics" />`;
  const chosen = segments.value[1];
  return html`<${Split}
    list=${html`<${List} list=${list} chosen=${chosen} />`}
    detail=${chosen && !list.error && html`<${TopicDetail} name=${chosen} topic=${list.items.find((t) => t.name === chosen)} />`}
  />`;
}

// purpose says what a topic is for: its name tells.
function purpose(name) {
  if (name.endsWith(".dlq")) return "dead letters";
  if (name.endsWith(".reply")) return "replies";
  if (name === "axion.events") return "client events";
  if (name.startsWith("__")) return "broker's own";
  if (/^axion\..+\.events$/.test(name)) return "history";
  if (/^[a-z]+-service\.[a-z-]+$/.test(name)) return "one request, as NestJS names it";
  return "commands and events";
}

function List({ list, chosen }) {
  const text = filterText();
  const shown = list.items.filter((topic) => topic.name.toLowerCase().includes(text) || purpose(topic.name).includes(text));
  const held = shown.reduce((sum, topic) => sum + topic.messages, 0);
  return html`
    <header class="page-head">
      <h1 class="page-title">Topics</h1>
      ${list.items.length > 0 && html`<span class="muted">${plural(shown.length, "topic")}, ${plural(held, "message")}</span>`}
      <span class="spring"></span>
      ${list.items.length > 0 && html`<${Filter} label="Filter by name or purpose" />`}
    </header>
    ${list.error && html`<${Notice} tone="error" title="The broker's topics could not be read">${list.error}. Asked again each second.<//>`}
    ${shown.length > 0 && html`<${Table} topics=${shown} chosen=${chosen} />`}
    ${!shown.length && !list.error && (text
      ? html`<${Empty} title="No topic matches “${text}”">The filter looks at names and purposes.<//>`
      : html`<${Empty} title="No topics yet">The first message to a topic creates it.<//>`)}
  `;
}

const Table = ({ topics, chosen }) => html`
  <table class="table topics choosable">
    <thead>
      <tr><th>Topic</th><th>Purpose</th><th class="number">Partitions</th><th class="number">Messages</th></tr>
    </thead>
    <tbody>
      ${topics.map(
        (topic) => html`
          <tr key=${topic.name} class=${topic.name === chosen ? "chosen" : ""} onClick=${() => go(hrefTo("topics", topic.name))}>
            <td class="at-name mono"><a data-item href=${hrefTo("topics", topic.name)} aria-current=${topic.name === chosen ? "true" : undefined}>${topic.name}</a></td>
            <td class="at-purpose muted">${purpose(topic.name)}</td>
            <td class="at-partitions number muted">${topic.partitions.length}</td>
            <td class="at-messages number ${topic.messages ? "" : "muted"}"><${Messages} of=${topic} /></td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

// Messages marks dead letters: any is one too many.
const Messages = ({ of }) =>
  of.name.endsWith(".dlq") && of.messages > 0 ? html`<${Status} of="warning" word=${count(of.messages)} />` : count(of.messages);

function TopicDetail({ name, topic }) {
  if (!topic) {
    return html`<${Detail} page="topics" back="topics" title=${name}>
      <${Empty} title="The broker has no such topic">The first message to it creates it.<//>
    <//>`;
  }
  const most = Math.max(1, ...topic.partitions.map((p) => p.end - p.start));
  return html`
    <${Detail} page="topics" back="topics" title=${topic.name}>
      <${Facts} of=${[
        ["Name", html`<${Copyable} text=${topic.name} />`],
        ["Purpose", purpose(topic.name)],
        ["Messages held", html`<${Messages} of=${topic} />`],
        ["Ever written", count(topic.partitions.reduce((sum, p) => sum + p.end, 0))],
      ]} />
      <h3 class="section-title">${plural(topic.partitions.length, "partition")}</h3>
      <table class="table plain-table">
        <thead><tr><th class="number">Id</th><th class="number">First</th><th class="number">Next</th><th class="number">Held</th><th aria-label="Share"></th></tr></thead>
        <tbody>
          ${topic.partitions.map(
            (p) => html`
              <tr key=${p.id}>
                <td class="number">${p.id}</td>
                <td class="number muted">${count(p.start)}</td>
                <td class="number muted">${count(p.end)}</td>
                <td class="number">${count(p.end - p.start)}</td>
                <td class="share"><meter min="0" max=${most} value=${p.end - p.start}></meter></td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    <//>
  `;
}
