// Status is a state in an icon, a colour and a word: no one of them alone.
import { html } from "../html.js";
import { Icon } from "./icon.js";

const looks = {
  healthy: ["ok", "Healthy"],
  starting: ["wait", "Starting"],
  unhealthy: ["error", "Unhealthy"],
  unwatched: ["none", "Not watched"],
  running: ["ok", "Running"],
  waiting: ["wait", "Waiting"],
  restarting: ["warning", "Restarting"],
  stopped: ["none", "Stopped"],
  completed: ["ok", "Completed"],
  failed: ["error", "Failed"],
  absent: ["none", "Absent"],
  enabled: ["ok", "Enabled"],
  warning: ["warning", "Warning"],
  disabled: ["error", "Disabled"],
  error: ["error", "Error"],
  info: ["none", "Info"],
  UP: ["ok", "Up"],
  DOWN: ["error", "Down"],
  PENDING: ["wait", "Pending"],
  STARTED: ["wait", "Deploying"],
  SUCCEEDED: ["ok", "Live"],
  FAILED: ["error", "Failed"],
  CANCELLED: ["none", "Cancelled"],
};

const tones = { ok: "ok", wait: "busy", warning: "warn", error: "error", none: "muted" };

export function Status({ of, word }) {
  const [icon, known] = looks[of] ?? ["none", of];
  return html`<span class="status ${tones[icon]}"><${Icon} name=${icon} /><span>${word ?? known}</span></span>`;
}
