// LostRecords says which groups have missed records of a topic, or a group of its topics.
import { html } from "../../html.js";
import { system } from "../../state.js";
import { Notice } from "../../parts/notice.js";

export function LostRecords({ topic, group }) {
  const lost = (system.value?.problems ?? []).filter((p) => p.kind === "records-lost" && (p.topic === topic || p.group === group));
  return lost.map((p) => html`<${Notice} key=${p.topic + " " + p.group} tone="warn" title=${p.message}>${p.hint}<//>`);
}
