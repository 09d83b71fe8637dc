// Groups are who reads, and how far each is behind.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { hrefTo, segments } from "../../address.js";
import { useChannel } from "../../live.js";
import { usePolled } from "../../polled.js";
import { count, plural } from "../../text.js";
import { Chart } from "../../parts/chart.js";
import { Copyable } from "../../parts/copy.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Detail, DetailList, Split } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Breadcrumbs } from "./breadcrumbs.js";
import { LostRecords } from "./lostrecords.js";

const looks = { Stable: "healthy", Empty: "absent", Dead: "absent", PreparingRebalance: "starting", CompletingRebalance: "starting" };

export const GroupState = ({ of }) => html`<${Status} of=${looks[of] ?? "starting"} word=${of} />`;

// Lag marks what is behind.
export const Lag = ({ of }) => (of < 0 ? html`<span class="muted">unknown</span>` : of > 0 ? html`<${Status} of="warning" word=${count(of)} />` : html`<span class="muted">0</span>`);

const hrefOf = (group) => "/topics/~groups/" + encodeURIComponent(group);

// LagChart is the lag of the last fifteen minutes, where there was any. query is the channel's.
function LagChart({ query, label }) {
  const [lags, setLags] = useState(null);
  useChannel("lag", query, setLags);
  if (!lags) return html`<${Loading} what="lag" />`;
  if (!lags.series.length) return null;
  const series = lags.series.filter((s) => s.lag.some((n) => n > 0)).map((s) => ({ label: label(s), values: s.lag }));
  const words = series.map((s) => `${s.label}: ${s.values.at(-1) < 0 ? "unknown" : s.values.at(-1)} now, ${Math.max(...s.values)} at most`).join("; ");
  return html`
    <h3 class="section-title">Lag, last 15 minutes</h3>
    ${series.length ? html`<${Chart} times=${lags.times} series=${series} what="Lag over time. ${words}." />` : html`<p class="muted">Nothing was left unread whenever it was looked at, each 3 seconds.</p>`}
    ${lags.left > 0 && html`<p class="muted more">${plural(lags.left, "more partition")} not drawn.</p>`}
  `;
}

const PartitionTable = ({ partitions, topics }) => html`
  <table class="table plain-table">
    <thead><tr>${topics && html`<th>Topic</th>`}<th class="number">Partition</th><th class="number">Committed</th><th class="number">End</th><th class="number">Lag</th></tr></thead>
    <tbody>
      ${partitions.map((p) => html`
        <tr key=${p.topic + p.partition}>
          ${topics && html`<td><a class="mono" href=${"/topics/" + encodeURIComponent(p.topic) + "/groups"}>${p.topic}</a></td>`}
          <td class="number">${p.partition}</td>
          <td class="number muted">${p.committed < 0 ? "–" : count(p.committed)}</td>
          <td class="number muted">${count(p.end)}</td>
          <td class="number"><${Lag} of=${p.lag} /></td>
        </tr>
      `)}
    </tbody>
  </table>
`;

// TopicGroups is the groups on one topic. answer is the topic's, of the API.
export function TopicGroups({ name, answer }) {
  if (!answer) return html`<${Loading} what="groups" />`;
  if (!answer.ok) return html`<${Failure} title="Groups could not be read" problem=${answer.problem} />`;
  const { groups } = answer.body;
  if (!groups.length) return html`<${Empty} title="Nobody has read this topic as a group">A consumer group is here once it has joined or committed an offset.<//>`;
  return html`
    <${LagChart} query=${{ topic: name }} label=${(s) => `${s.group} ${s.partition}`} />
    ${groups.map((group) => html`
      <section key=${group.name}>
        <h3 class="section-title group-title"><a class="mono" href=${hrefOf(group.name)}>${group.name}</a> <${GroupState} of=${group.state} /> <span class="muted">${plural(group.members, "member")}, lag ${count(group.lag)}</span></h3>
        <${PartitionTable} partitions=${group.partitions} />
      </section>
    `)}
  `;
}

// GroupsPage is all groups, and one of them.
export function GroupsPage() {
  const [answer] = usePolled("/api/groups");
  const chosen = segments.value[2];
  return html`<${Split} wide
    list=${html`
      <${Breadcrumbs} title="Groups" />
      ${!answer && html`<${Loading} what="groups" />`}
      ${answer && !answer.ok && html`<${Failure} title="Groups could not be read" problem=${answer.problem} />`}
      ${answer?.ok && (answer.body.items.length ? html`<${GroupTable} groups=${answer.body.items} chosen=${chosen} />` : html`<${Empty} title="No groups yet">A consumer group is here once it has joined.<//>`)}
    `}
    detail=${chosen && html`<${GroupDetail} key=${chosen} name=${chosen} />`}
  />`;
}

const sum = (lag) => Object.values(lag).reduce((a, b) => a + b, 0);

const GroupTable = ({ groups, chosen }) => html`
  <table class="table groups choosable">
    <thead><tr><th>Group</th><th>State</th><th class="number">Members</th><th class="number">Topics</th><th class="number">Lag</th></tr></thead>
    <tbody>
      ${groups.map((group) => html`
        <tr key=${group.name} class=${group.name === chosen ? "chosen" : ""}>
          <td class="at-name mono"><a data-item href=${hrefOf(group.name)} aria-current=${group.name === chosen ? "true" : undefined}>${group.name}</a></td>
          <td class="at-state"><${GroupState} of=${group.state} /></td>
          <td class="at-members number muted">${group.members}</td>
          <td class="at-topics number muted">${Object.keys(group.lag).length}</td>
          <td class="at-lag number"><${Lag} of=${sum(group.lag)} /></td>
        </tr>
      `)}
    </tbody>
  </table>
`;

function GroupDetail({ name }) {
  const [answer] = usePolled("/api/groups/" + encodeURIComponent(name));
  const group = answer?.ok && answer.body;
  return html`
    <${Detail} page=${["topics", "~groups"]} back="groups" title=${name}>
      ${!answer && html`<${Loading} what="group" />`}
      ${answer && !group && (answer.status === 404 ? html`<${Empty} title="The broker knows no such group">It is here once a consumer joins it.<//>` : html`<${Failure} title="The group could not be read" problem=${answer.problem} />`)}
      <${LostRecords} group=${name} />
      ${group && html`
        <${DetailList} of=${[["Group", html`<${Copyable} text=${name} />`], ["State", html`<${GroupState} of=${group.state} />`], ["Protocol", group.protocol + (group.assignor ? `, ${group.assignor}` : "")], ["Lag", count(group.partitions.reduce((n, p) => n + Math.max(0, p.lag), 0))]]} />
        <${LagChart} query=${{ group: name }} label=${(s) => `${s.topic} ${s.partition}`} />
        <h3 class="section-title">${plural(group.partitions.length, "partition")}</h3>
        <${PartitionTable} partitions=${group.partitions} topics />
        <h3 class="section-title">${plural(group.members.length, "member")}</h3>
        <ul class="members">
          ${group.members.map((m) => html`<li key=${m.id}><${Copyable} text=${m.id} /><p class="muted">${m.clientId} at ${m.host}${Object.entries(m.assigned).map(([topic, ids]) => html`<br /><a class="mono" href=${hrefTo("topics", topic)}>${topic}</a> ${ids.join(", ")}`)}</p></li>`)}
        </ul>
      `}
    <//>
  `;
}
