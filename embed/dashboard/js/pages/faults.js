// Faults breaks things on purpose: what is on, what was, and a form for more.
import { html } from "../html.js";
import { go, segments } from "../address.js";
import { end, list } from "../faults.js";
import { ago, count, exact } from "../text.js";
import { TimeLeft } from "../parts/fault.js";
import { Icon } from "../parts/icon.js";
import { Empty, Loading } from "../parts/notice.js";
import { Detail, Split } from "../parts/split.js";
import { FaultDetail } from "./faults/detail.js";
import { FaultForm } from "./faults/form.js";

export function FaultsPage() {
  const known = list.value;
  if (!known) return html`<${Loading} what="faults" />`;
  if (!known.available) {
    return html`
      <h1 class="page-title">Faults</h1>
      <${Empty} title="Nothing can be broken here">${known.reason}.<//>
    `;
  }
  const chosen = segments.value[1];
  const fault = [...known.items, ...known.recent].find((f) => f.id === chosen);
  return html`<${Split}
    soft=${!chosen}
    list=${html`<${List} known=${known} chosen=${chosen} />`}
    detail=${!chosen || chosen === "new"
      ? html`<${Detail} page="faults" back="faults" title="Break something"><${FaultForm} /><//>`
      : html`<${FaultDetail} id=${chosen} fault=${fault} />`}
  />`;
}

const List = ({ known, chosen }) => html`
  <header class="page-head">
    <h1 class="page-title">Faults</h1>
    ${known.items.length > 0 && html`<span class="muted">${count(known.items.length)} on</span>`}
    <span class="spring"></span>
    ${known.items.length > 1 && html`<button class="button" onClick=${() => end("")}>End all</button>`}
    ${chosen !== "new" && html`<a class="button primary new" href="/faults/new"><${Icon} name="faults" />Break something</a>`}
  </header>
  ${known.items.length
    ? html`<${Table} faults=${known.items} chosen=${chosen} />`
    : html`<${Empty} title="Nothing is broken on purpose">
        Slow a route down, lose the broker, deliver messages twice: on this stack only, and each ends by itself.
        While a fault is on, every page says so.
        <p class="empty-action new"><a class="button primary" href="/faults/new"><${Icon} name="faults" />Break something</a></p>
      <//>`}
  ${known.recent.length > 0 && html`
    <h2 class="section-title">Ended</h2>
    <${Table} faults=${known.recent} chosen=${chosen} />
  `}
`;

const Table = ({ faults, chosen }) => html`
  <table class="table faults choosable">
    <thead><tr><th>Fault</th><th class="number">Hits</th><th>${faults[0].ended ? "Ended" : "Ends in"}</th>${!faults[0].ended && html`<th><span class="visually-hidden">Action</span></th>`}</tr></thead>
    <tbody>
      ${faults.map(
        (fault) => html`
          <tr key=${fault.id} class=${fault.id === chosen ? "chosen" : ""} onClick=${() => go("/faults/" + fault.id)}>
            <td class="at-name"><a data-item href=${"/faults/" + fault.id} aria-current=${fault.id === chosen ? "true" : undefined}>${fault.text}</a></td>
            <td class="at-hits number">${count(fault.hits)}<span class="unit"> ${fault.hits === 1 ? "hit" : "hits"}</span></td>
            <td class="at-end muted" title=${exact(fault.ended ?? fault.until)}>${fault.ended ? ago(fault.ended) : html`<${TimeLeft} at=${fault.endsAt} />`}</td>
            ${!fault.ended && html`<td class="at-action"><button class="button small" aria-label=${`End ${fault.text}`} onClick=${(e) => (e.stopPropagation(), end(fault.id))}>End</button></td>`}
          </tr>
        `,
      )}
    </tbody>
  </table>
`;
