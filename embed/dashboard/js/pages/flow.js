// Flow is what requests caused: a live list of traces, and one of them as a
// waterfall from the client's request to the last message.
import { useEffect, useMemo, useState } from "preact/hooks";
import { html } from "../html.js";
import { go, hrefTo, query, segments, setQuery } from "../address.js";
import { useChannel } from "../live.js";
import { emptyList, mergeItems, useStableList } from "../stablelist.js";
import { ago, count, exact, plural } from "../text.js";
import { shortly } from "../waterfall.js";
import { creates } from "../state.js";
import { Filter, filterText } from "../parts/filter.js";
import { Icon } from "../parts/icon.js";
import { Empty, Loading, Notice } from "../parts/notice.js";
import { Split } from "../parts/split.js";
import { Status } from "../parts/status.js";
import { TracePage } from "./trace.js";

export function FlowPage() {
  const [, chosen, span] = segments.value;
  return html`<${Split} wide list=${html`<${List} chosen=${chosen} />`} detail=${chosen && html`<${TracePage} key=${chosen} id=${chosen} span=${span} />`} />`;
}

const spanOfTime = { 1: "1 minute", 5: "5 minutes", 15: "15 minutes", 60: "hour" };
const slownesses = [10, 100, 1000, 5000];

// asked is what the address asks for, as the channel's query.
function asked() {
  const wanted = { text: filterText(), service: query.value.get("service"), errors: query.value.get("errors"), slower: query.value.get("slower") };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
}

const byAge = { id: (trace) => trace.traceId, newest: (a, b) => Date.parse(b.start) - Date.parse(a.start) };

// useTraces gives the traces that match, live: {shown, waiting, stats, problem}.
function useTraces(held) {
  const [list, setList] = useState(emptyList);
  const [stats, setStats] = useState(null);
  const [problem, setProblem] = useState("");
  const filters = asked();
  const minutes = query.value.get("since") in spanOfTime ? Number(query.value.get("since")) : 0;
  const wanted = JSON.stringify([filters, minutes]);
  const sent = useMemo(() => ({ ...filters, limit: "200", ...(minutes && { from: new Date(Date.now() - minutes * 60_000).toISOString() }) }), [wanted]);
  useEffect(() => setProblem(""), [wanted]);
  const hear = (batch) => {
    setList((before) => mergeItems(before, batch.items, { ...byAge, held, snapshot: batch.snapshot }));
    setStats({ ...batch.stats, leftOut: batch.leftOut });
  };
  useChannel("traces", sent, hear, setProblem);
  useEffect(() => {
    if (!held) setList((before) => (before.shown ? mergeItems(before, [], { ...byAge, held }) : before));
  }, [held]);
  return { ...list, stats, problem, filtered: wanted !== JSON.stringify([{}, 0]) };
}

function List({ chosen }) {
  const { held, top, bind } = useStableList();
  const { shown, waiting, stats, problem, filtered } = useTraces(held);
  const services = [...new Set([query.value.get("service"), ...(shown ?? []).flatMap((trace) => trace.services)])].filter(Boolean).sort();
  return html`
    <header class="page-head">
      <h1 class="page-title">Flow</h1>
      ${shown && html`<span class="muted">${plural(shown.length, "trace")}</span>`}
      ${waiting.size > 0 && html`<button class="button fresh" onClick=${top} title="The list stands still while you read it">${count(waiting.size)} new</button>`}
      <span class="spring"></span>
      <${Filter} label="Filter by name, id, value" />
    </header>
    <div class="flow-filters">
      <${Choice} name="service" label="Service" options=${services.map((name) => [name, name])} any="any" />
      <${Choice} name="slower" label="Slower than" options=${slownesses.map((ms) => [String(ms), shortly(ms)])} any="–" />
      <${Choice} name="since" label="In the last" options=${Object.entries(spanOfTime)} any="–" />
      <label class="only"><input type="checkbox" checked=${query.value.get("errors") === "true"} onChange=${(e) => setQuery("errors", e.target.checked ? "true" : "")} /> errors only</label>
    </div>
    <div ...${bind}>
      ${problem && html`<${Notice} tone="error" title="Traces are not live">${problem}<//>`}
      ${!shown && !problem && html`<${Loading} what="traces" />`}
      ${shown?.length > 0 && html`<${Table} traces=${shown} chosen=${chosen} />`}
      ${shown?.length === 0 && html`<${Nothing} filtered=${filtered} />`}
    </div>
    ${stats && html`<p class="muted kept">${kept(stats)}</p>`}
  `;
}

const Nothing = ({ filtered }) =>
  filtered
    ? html`<${Empty} title="No trace matches">The filter looks at names, services, ids and the values of attributes.<//>`
    : html`<${Empty} title="No requests yet">The next request to a service is here, with all that it causes.${creates.value && html` <a href="/projects/new">Create a project</a> to see one.`}<//>`;

// Choice is a filter with few values. What is chosen stands in the address.
const Choice = ({ name, label, options, any }) => html`
  <label class="choice-filter">
    <span>${label}</span>
    <select value=${query.value.get(name) ?? ""} onChange=${(e) => setQuery(name, e.target.value)}>
      <option value="">${any}</option>
      ${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${query.value.get(name) === value}>${text}</option>`)}
    </select>
  </label>
`;

const kept = (stats) =>
  `Kept in memory only, until the stack stops: ${plural(stats.spans, "span")} of ${plural(stats.traces, "trace")}.` +
  (stats.dropped ? ` ${plural(stats.dropped, "span")} made room for newer ones.` : "") +
  (stats.skipped ? ` Under load the first 200 requests of a second are recorded; ${count(stats.skipped)} were not.` : "") +
  (stats.leftOut ? ` The list is sampled: ${plural(stats.leftOut, "change was", "changes were")} left out just now.` : "");

const Table = ({ traces, chosen }) => html`
  <table class="table traces choosable">
    <thead>
      <tr><th>Request</th><th>Through</th><th class="number">Spans</th><th class="number">Took</th><th>When</th></tr>
    </thead>
    <tbody>
      ${traces.map(
        (trace) => html`
          <tr key=${trace.traceId} class=${trace.traceId === chosen ? "chosen" : ""} onClick=${() => go(hrefTo("flow", trace.traceId))}>
            <td class="at-name mono"><a data-item href=${hrefTo("flow", trace.traceId)} aria-current=${trace.traceId === chosen ? "true" : undefined}>${trace.errors > 0 && html`<span class="failed-mark error" aria-hidden="true"><${Icon} name="error" size=${14} /></span>`}${trace.root}</a></td>
            <td class="at-through muted">${trace.errors > 0 && html`<${Status} of="error" word=${plural(trace.errors, "error")} />${" "}`}${trace.services.map(shortName).join(" · ")}</td>
            <td class="at-spans number muted">${trace.spans}</td>
            <td class="at-took number">${shortly(trace.durationMs)}</td>
            <td class="at-when muted" title=${exact(trace.start)}>${ago(trace.start)}</td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

const shortName = (service) => service.replace(/-service$/, "");
