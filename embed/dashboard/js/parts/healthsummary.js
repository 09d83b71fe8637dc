// HealthSummary is the whole stack in one word, which opens what is wrong.
import { html } from "../html.js";
import { panel, toggle } from "../panel.js";
import { pages } from "../pages.js";
import { connection, problems, system } from "../state.js";
import { plural } from "../text.js";
import { Icon } from "./icon.js";
import { Status } from "./status.js";

export function HealthSummary() {
  const found = problems.value;
  if (connection.value.state === "lost" || !system.value || !found.length) return html`<a class="strip-state" href="/"><${Word} /></a>`;
  const worst = found.some((p) => p.severity === "error") ? "error" : "warning";
  const open = panel.value === "problems";
  return html`
    <button class="strip-state" aria-expanded=${open ? "true" : "false"} aria-controls="problems" onClick=${() => toggle("problems")}>
      <${Status} of=${worst} word=${plural(found.length, "problem")} />
    </button>
    ${open && html`<${Problems} found=${found} />`}
  `;
}

function Word() {
  if (connection.value.state === "lost") return html`<${Status} of="error" word="connection lost" />`;
  if (!system.value) return html`<span class="muted">connecting…</span>`;
  if (!system.value.parts.length) return html`<span class="muted">no parts yet</span>`;
  const starting = system.value.parts.filter((part) => part.state === "starting").length;
  if (starting) return html`<${Status} of="starting" word="${starting} starting" />`;
  return html`<${Status} of="healthy" word="all healthy" />`;
}

const close = () => (panel.value = "");

const Problems = ({ found }) => html`
  <section class="panel" id="problems" aria-label="Problems">
    <header class="panel-head"><h2>${plural(found.length, "problem")}</h2><${Close} /></header>
    <ul class="problems">
      ${found.map((p, i) => html`
        <li key=${i}><a class="problem ${p.severity}" href=${p.href} onClick=${close}>
          <${Icon} name=${p.severity === "error" ? "error" : "warning"} />
          <span class="problem-text"><span>${p.what}</span><span class="muted">${p.where}</span>${p.hint && html`<span class="muted">${p.hint}</span>`}</span>
        </a></li>
      `)}
    </ul>
  </section>
`;

const Close = () => html`<button class="icon-button" onClick=${close} aria-label="Close" title="Close (Esc)"><${Icon} name="close" /></button>`;

const keys = [
  [["/"], ["Ctrl", "K"], "search everything"],
  [["f"], null, "filter the page"],
  [["j"], ["k"], "next, previous item"],
  [["Enter"], null, "open the item"],
  [["Esc"], null, "close what is open"],
  [["Ctrl", "Enter"], null, "send a form"],
  [["?"], null, "this list"],
];

// Keys lists the keys. It is no dialog: the page stays in reach.
export function Keys() {
  if (panel.value !== "help") return null;
  const row = ([first, other, what]) => html`<div><dt><${Press} of=${first} />${other && html` or <${Press} of=${other} />`}</dt><dd>${what}</dd></div>`;
  return html`
    <section class="panel keys" aria-label="Keys" role="region">
      <header class="panel-head"><h2>Keys</h2><${Close} /></header>
      <dl>${keys.map(row)}${pages.map((page) => row([["g", page.key], null, page.title]))}</dl>
    </section>
  `;
}

const Press = ({ of }) => of.map((key, i) => html`${i > 0 && " "}<kbd>${key}</kbd>`);
