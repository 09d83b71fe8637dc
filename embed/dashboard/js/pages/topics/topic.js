// TopicPage is one topic: its messages, who reads it, its settings.
import { html } from "../../html.js";
import { segments } from "../../address.js";
import { topics } from "../../state.js";
import { LostRecords } from "./lostrecords.js";
import { apiOf } from "../../messages.js";
import { usePolled } from "../../polled.js";
import { bytes, count, plural } from "../../text.js";
import { topicKind } from "../../topickind.js";
import { Empty, Failure, Loading, Notice } from "../../parts/notice.js";
import { FaultMark } from "../../parts/fault.js";
import { Split } from "../../parts/split.js";
import { Breadcrumbs } from "./breadcrumbs.js";
import { GroupsPage, TopicGroups } from "./groups.js";
import { DeadLetters, serviceOf } from "./deadletters.js";
import { Messages } from "./messages.js";
import { Produce } from "./produce.js";

export function TopicPage() {
  const [, name, tab, partition, offset] = segments.value;
  if (name === "~groups") return html`<${GroupsPage} />`;
  const list = topics.value;
  if (!list) return html`<${Split} list=${html`<${Loading} what="topic" />`} />`;
  const topic = list.items.find((t) => t.name === name);
  const open = tab ?? (serviceOf(name) ? "letters" : "messages");
  const head = html`<${Head} name=${name} topic=${topic} list=${list} open=${open} />`;
  if (!topic && !list.error) return html`<${Split} list=${html`${head}<${Empty} title="The broker has no such topic">Whoever writes to it first creates it. <a href="/topics">All topics</a><//>`} />`;
  if (open === "messages") return html`<${Messages} key=${name} name=${name} topic=${topic} head=${head} chosen=${offset !== undefined && `${partition}:${offset}`} />`;
  return html`<${Split} list=${html`${head}<div class="topic-tab"><${Tab} key=${name + open} name=${name} topic=${topic} open=${open} /></div>`} />`;
}

function Tab({ name, topic, open }) {
  const [answer] = usePolled(open === "groups" || open === "configuration" ? apiOf(name) : "");
  if (open === "groups") return html`<${TopicGroups} name=${name} answer=${answer} />`;
  if (open === "configuration") return html`<${Configuration} answer=${answer} />`;
  if (open === "produce") return html`<${Produce} name=${name} topic=${topic} />`;
  if (open === "letters" && serviceOf(name)) return html`<${DeadLetters} topic=${name} />`;
  return html`<${Empty} title="There is no page here"><a href=${"/topics/" + encodeURIComponent(name)}>Go to the topic's messages</a><//>`;
}

function Head({ name, topic, list, open }) {
  const base = "/topics/" + encodeURIComponent(name);
  const dead = list.items.find((t) => t.name === name + ".dlq");
  const tabs = (topic || list.error) && [
    serviceOf(name) && ["letters", "Dead letters", base + "/letters"],
    ["messages", "Messages", base + "/messages"],
    ["groups", "Groups", base + "/groups"],
    ["configuration", "Configuration", base + "/configuration"],
    !topic?.internal && ["produce", "Produce", base + "/produce"],
  ].filter(Boolean);
  return html`
    <${Breadcrumbs} title=${name} mono><${FaultMark} kind="topic" name=${name} /><//>
    ${list.error && html`<${Notice} tone="error" title="The broker's topics could not be read">${list.error}. Asked again each second.<//>`}
    ${topic && html`<p class="muted topic-facts">
      <span>${topicKind(name)}</span><span>${plural(topic.messages, "message")}</span><span>${plural(topic.partitions.length, "partition")}</span>
      ${topic.bytes !== undefined && html`<span>${bytes(topic.bytes)}</span>`}<span>${count(topic.rate ?? 0)} messages/s</span>
      ${topic.keeps && html`<span title="What each partition keeps. The settings are under Configuration.">keeps ${topic.keeps}</span>`}
      ${dead?.messages > 0 && html`<a href=${`/topics/${encodeURIComponent(dead.name)}`}>dead letters</a>`}
    </p>`}
    <${LostRecords} topic=${name} />
    ${tabs && html`<nav class="tabs" aria-label="Parts of the topic">
      ${tabs.map(([id, title, href]) => html`<a key=${id} href=${href} aria-current=${id === open ? "page" : undefined}>${title}</a>`)}
    </nav>`}
  `;
}

// Configuration is the topic's settings and where its partitions are.
function Configuration({ answer }) {
  if (!answer) return html`<${Loading} what="configuration" />`;
  if (!answer.ok) return html`<${Failure} title="The topic could not be read" problem=${answer.problem} />`;
  const { partitions, configs, configsError } = answer.body;
  const most = Math.max(1, ...partitions.map((p) => p.end - p.start));
  return html`
    <h2 class="section-title">${plural(partitions.length, "partition")}</h2>
    <table class="table plain-table">
      <thead><tr><th class="number">Id</th><th class="number">First</th><th class="number">Next</th><th class="number">Held</th><th>Share</th><th class="number">Leader</th><th>In sync</th></tr></thead>
      <tbody>
        ${partitions.map((p) => html`
          <tr key=${p.id}>
            <td class="number">${p.id}</td><td class="number muted">${count(p.start)}</td><td class="number muted">${count(p.end)}</td><td class="number">${count(p.end - p.start)}</td>
            <td class="share"><meter min="0" max=${most} value=${p.end - p.start} aria-label="Share of partition ${p.id}"></meter></td>
            <td class="number muted">${p.leader < 0 ? "none" : p.leader}</td><td class="muted">${p.inSync.length} of ${p.replicas.length}</td>
          </tr>
        `)}
      </tbody>
    </table>
    <h2 class="section-title">Settings</h2>
    ${configsError && html`<${Notice} tone="warn" title="The settings could not be read">${configsError}<//>`}
    <table class="table plain-table settings">
      <thead><tr><th>Setting</th><th>Value</th><th>Set by</th></tr></thead>
      <tbody>
        ${configs.map((c) => html`<tr key=${c.name}><td class="mono">${c.name}</td><td class="mono">${c.sensitive ? "hidden" : c.value}</td><td class="muted">${c.default ? "default" : html`<b>this topic</b>`}</td></tr>`)}
      </tbody>
    </table>
  `;
}
