// Two runs side by side: what took how long in each, and what only one of them did.
import { useMemo } from "preact/hooks";
import { html } from "../html.js";
import { query, setQuery } from "../address.js";
import { compareOf } from "../compare.js";
import { exact, plural } from "../text.js";
import { extentOf, hopOf, shortly } from "../waterfall.js";
import { Empty, Loading } from "../parts/notice.js";
import { percent, useTrace } from "./traceview.js";

export function Comparison({ first, second }) {
  const { trace, problem } = useTrace(second);
  const withSQL = query.value.get("sql") === "true";
  const { rows, total } = useMemo(() => {
    if (!trace?.spans.length) return {};
    const wanted = (spans) => (withSQL ? spans : spans.filter((span) => hopOf(span) !== "sql" || span.error));
    return compareOf(wanted(first.spans), wanted(trace.spans));
  }, [first, trace, withSQL]);
  if (!trace && !problem) return html`<${Loading} what="the other trace" />`;
  if (!rows) return html`<${Empty} title="The other trace is not here">${problem || "Only the newest are kept."}<//>`;
  const alone = rows.filter((row) => !row.first || !row.second).length;
  return html`
    <div class="legend">
      <span class="run-first">this run, ${shortly(extentOf(first.spans).total)}</span>
      <span class="run-second">the other of ${exact(trace.spans[0].start)}, ${shortly(extentOf(trace.spans).total)}</span>
      <span class="muted">${alone ? `${plural(alone, "row")} in one run only` : "both did the same"}</span>
      <span class="spring"></span>
      <label class="only"><input type="checkbox" checked=${withSQL} onChange=${(e) => setQuery("sql", e.target.checked ? "true" : "")} /> SQL statements</label>
    </div>
    <table class="comparison plain-table">
      <thead><tr><th>Span</th><th>Time</th><th class="number">This</th><th class="number">Other</th><th class="number">Change</th></tr></thead>
      <tbody>${rows.map((row, i) => html`<${Pair} key=${i} row=${row} total=${total} />`)}</tbody>
    </table>
  `;
}

function Pair({ row: { depth, hop, first, second }, total }) {
  const { span } = first ?? second;
  const only = !second ? "only in this run" : !first ? "only in the other" : "";
  return html`
    <tr class="${hop ? "is-" + hop : ""} ${only ? "alone" : ""}">
      <td class="span-name" style=${{ paddingLeft: `${12 + Math.min(depth, 12) * 10}px` }}><span class="mono" title=${span.name}>${span.name}</span>${only && html`<span class="muted span-service">${only}</span>`}</td>
      <td class="span-track" aria-hidden="true">${[first, second].map(
        (run, i) => run && html`<span class="span-bar ${i ? "of-second" : "of-first"}" style=${{ left: percent(run.at, total), width: percent(run.took, total) }}></span>`,
      )}</td>
      <td class="number">${first ? shortly(first.took) : "–"}</td>
      <td class="number">${second ? shortly(second.took) : "–"}</td>
      <td class="number">${first && second ? changeOf(first.took, second.took) : ""}</td>
    </tr>
  `;
}

// changeOf is how much longer the first took than the second, in words and not by
// colour: little of it means nothing.
function changeOf(first, second) {
  const difference = first - second;
  if (Math.abs(difference) < 0.05) return "";
  return (difference > 0 ? "+" : "−") + shortly(Math.abs(difference));
}
