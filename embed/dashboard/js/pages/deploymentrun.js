// DeploymentRun is one deployment as a timeline: each step, what caused it, and how long
// after the request it came.
import { html } from "../html.js";
import { ago, duration, exact } from "../text.js";
import { Icon } from "../parts/icon.js";
import { Notice } from "../parts/notice.js";
import { Status } from "../parts/status.js";

export const DeploymentRun = ({ run, open }) => html`
  <details class="run" open=${open}>
    <summary>
      <${Status} of=${run.status} />
      ${run.ended && html`<span class="muted">after ${duration(since(run, run.ended))}</span>`}
      <span class="spring"></span>
      ${run.began && html`<span class="muted" title=${exact(run.began)}>${ago(run.began)}</span>`}
    </summary>
    <ol class="timeline">
      ${run.steps.map((step) => html`<${Step} key=${step.title} step=${step} run=${run} />`)}
    </ol>
    ${run.error && !run.steps.some((step) => step.reason) && html`<${Notice} tone="error" title="The deployment failed">${run.error}<//>`}
  </details>
`;

const since = (run, at) => Math.max(0, Date.parse(at) - Date.parse(run.began));

const icons = { done: "ok", failed: "error", skipped: "none" };
const words = { done: "done", failed: "failed", skipped: "not reached", active: "next", waiting: "to come" };

const Step = ({ step, run }) => html`
  <li class="step ${step.state}">
    <span class="step-mark" title=${words[step.state]}>${icons[step.state] && html`<${Icon} name=${icons[step.state]} size=${12} />`}</span>
    <span class="step-title">${step.title}<span class="visually-hidden">: ${words[step.state]}</span></span>
    ${step.reason
      ? html`<span class="step-reason">${step.reason}</span>`
      : html`<span class="step-what hop-${step.hop}">${step.what}</span>`}
    <span class="step-at" title=${step.at ? exact(step.at) : undefined}>${step.at ? "+" + duration(since(run, step.at)) : ""}</span>
  </li>
`;
