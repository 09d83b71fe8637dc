// FaultDetail is one fault: what it does, where its effect is seen, and its end.
import { html } from "../../html.js";
import { end } from "../../faults.js";
import { count, exact } from "../../text.js";
import { CopyButton } from "../../parts/copy.js";
import { TimeLeft } from "../../parts/fault.js";
import { Empty, Notice } from "../../parts/notice.js";
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { curlOf, kinds, orderOf } from "./kinds.js";

export function FaultDetail({ id, fault }) {
  if (!fault) {
    return html`<${Detail} page="faults" back="faults" title=${id}>
      <${Empty} title="There is no such fault">It ended long ago, or axion was started anew.<//>
    <//>`;
  }
  const kind = kinds[fault.kind];
  const order = orderOf({ ...fault, partition: fault.partition ?? "", jitterMs: String(fault.jitterMs ?? 0) });
  const query = new URLSearchParams(order);
  return html`
    <${Detail} page="faults" back="faults" title=${kind.title}>
      <p class="fault-head">
        ${fault.ended ? html`<${Status} of="none" word="Ended" />` : html`<${Status} of="error" word="On" />`}
        <span class="fault-text">${fault.text}</span>
        ${!fault.ended && html`<button class="button" onClick=${() => end(fault.id)}>End now</button>`}
      </p>
      ${kind.loss && !fault.ended && html`<${Notice} tone="error" title="Records are lost for good">What is produced while this is on cannot be brought back.<//>`}
      <p class="fault-what">${kind.what}</p>
      <${DetailList} of=${[
        ["Target", fault.target && html`<span class="mono">${fault.target}${fault.partition !== undefined ? `/${fault.partition}` : ""}</span>`],
        ["Hits", count(fault.hits)],
        ["Began", exact(fault.at)],
        fault.ended ? ["Ended", `${exact(fault.ended)}${fault.why ? `, ${fault.why}` : ", by itself"}`] : ["Ends in", html`<${TimeLeft} at=${fault.endsAt} />`],
        ["Id", html`<span class="mono">${fault.id}</span>`],
      ]} />
      <h3 class="section-title">What to look at</h3>
      <ul class="looks">${kind.look(fault).map(([text, href]) => html`<li key=${href}><a href=${href}>${text}</a></li>`)}</ul>
      <${Curl} order=${order} />
      ${fault.ended && html`<div class="actions"><a class="button" href="/faults/new?${query}">Do it again</a></div>`}
    <//>
  `;
}

// Curl is the command that orders the same.
export function Curl({ order }) {
  const command = curlOf(location.origin, order);
  return html`
    <h3 class="section-title curl-title">The same from a shell<${CopyButton} text=${command} what="the command" /></h3>
    <pre class="json curl" tabindex="0">${command}</pre>
  `;
}
