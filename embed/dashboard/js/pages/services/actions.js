// Actions start, stop and restart a service of the compose file.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { post } from "../../api.js";
import { services } from "../../state.js";
import { Notice } from "../../parts/notice.js";

const words = { start: ["Start", "Starting…"], restart: ["Restart", "Restarting…"], stop: ["Stop", "Stopping…"] };
const acts = ["provided", "process", "container"]; // whose processes are axion's to start

// useActions gives {busy, problem, act}: act carries an action out on a service.
export function useActions(name) {
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState(null);
  const act = async (verb) => {
    setBusy(verb);
    setProblem(null);
    const answer = await post(`/api/services/${encodeURIComponent(name)}/${verb}`);
    setBusy("");
    if (!answer.ok) return setProblem({ verb, ...answer.problem });
    if (services.value) services.value = { ...services.value, items: services.value.items.map((s) => (s.name === name ? answer.body : s)) };
  };
  return { busy, problem, act };
}

export function Buttons({ of, busy, act }) {
  if (!acts.includes(of.provider)) return null;
  const offered = ["stopped", "failed", "completed"].includes(of.state) ? ["start"] : ["restart", "stop"];
  return html`
    <span class="service-actions">
      ${(offered.includes(busy) || !busy ? offered : [busy]).map((verb) => html`
        <button key=${verb} type="button" class="button" disabled=${busy !== ""} aria-busy=${busy === verb ? "true" : undefined} onClick=${() => act(verb)}>${words[verb][busy === verb ? 1 : 0]}</button>
      `)}
    </span>
  `;
}

export const ActionProblem = ({ name, of }) => of && html`
  <${Notice} tone="error" title="${name} was not ${{ start: "started", stop: "stopped", restart: "restarted" }[of.verb]}">${of.detail ?? of.title}${of.hint && html`<div class="muted">${of.hint}</div>`}<//>
`;
