// DeploymentsView follows a project's deployments: each step with its log, how long
// it took beside the others, and what can be done about it.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { go, segments } from "../../address.js";
import { get, post } from "../../api.js";
import { eventsOf } from "../../events.js";
import { deployments, loadDeployments } from "../../projects.js";
import { siteNow } from "../../sites.js";
import { connection } from "../../state.js";
import { ago, duration, exact, plural } from "../../text.js";
import { runsOf } from "../../timeline.js";
import { Copyable, Outside } from "../../parts/copy.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { DeploymentRun } from "../deploymentrun.js";
import { Trace } from "./trace.js";
import { projectPath } from "./path.js";

export function DeploymentsView({ project }) {
  const events = eventsOf(project.id);
  const [problem, setProblem] = useState(null);
  const load = async () => {
    const answer = await loadDeployments(project.id);
    setProblem(answer.ok ? null : answer.problem);
  };
  useEffect(() => {
    if (connection.value.state === "open") load();
  }, [project.id, events.length, connection.value.state]);
  const known = deployments.value[project.id];
  if (!known) return problem ? html`<${Failure} title="The deployments could not be read" problem=${problem} retry=${load} />` : html`<${Loading} what="the deployments" />`;
  const runs = runsOf(project, known, events).filter((run) => run.id);
  const id = segments.value[3];
  const run = id ? runs.find((run) => run.id === id) : runs[0];
  return html`
    <div class="deployments">
      <section aria-label="Deployments">
        <header class="deploy-head">
          <span class="muted">${plural(runs.length, "deployment")}</span><span class="spring"></span>
          <${ActionButton} word="Deploy now" path=${`/api/projects/${project.id}/deployments`} body=${{}} project=${project.id} primary />
        </header>
        <${List} project=${project} runs=${runs} chosen=${run?.id} />
        <${Runtime} id=${project.id} heard=${events.length} />
      </section>
      ${run ? html`<${One} key=${run.id} project=${project} run=${run} newest=${runs.find((r) => r.status === "SUCCEEDED")?.id} heard=${events.length} />` : html`<${Empty} title=${id ? "There is no such deployment" : "No deployments yet"}>A project is deployed when it is created, and when you say so.<//>`}
    </div>
  `;
}

const took = (run) => (run.ended ? Math.max(0, Date.parse(run.ended) - Date.parse(run.began)) : 0);

function List({ project, runs, chosen }) {
  const longest = Math.max(1, ...runs.map(took));
  return html`
    <ul class="runs">
      ${runs.map((run) => html`
        <li key=${run.id}>
          <a data-item class="run-link" href=${projectPath(project.id, "deployments", run.id)} aria-current=${run.id === chosen ? "true" : undefined}>
            <${Status} of=${run.status} />
            <span class="muted" title=${exact(run.began)}>${ago(run.began)}</span>
            <span class="run-took">${run.ended ? duration(took(run)) : "under way"}</span>
            <span class="run-bar" aria-hidden="true"><span style=${{ width: `${(took(run) / longest) * 100}%` }}></span></span>
          </a>
        </li>`)}
    </ul>
  `;
}

// One is one deployment: while it is under way its log is read again at each event.
function One({ project, run, newest, heard }) {
  const [logs, setLogs] = useState(null);
  useEffect(() => {
    // The deployment service may not have heard of one that has only been asked for.
    if (run.status === "PENDING") return setLogs({ ok: true, body: { items: [] } });
    let gone = false;
    get(`/api/deployments/${encodeURIComponent(run.id)}/logs?limit=100`).then((answer) => gone || setLogs(answer));
    return () => (gone = true);
  }, [run.id, heard, run.status]);
  const address = `/api/deployments/${encodeURIComponent(run.id)}`;
  const over = ["SUCCEEDED", "FAILED", "CANCELLED"].includes(run.status);
  return html`
    <section class="deployment" aria-label="Deployment">
      <div class="actions">
        ${!over && html`<${ActionButton} word="Cancel" path=${address + "/cancel"} project=${project.id} said="What it changed is undone." />`}
        ${over && html`<${ActionButton} word="Deploy the same again" path=${address + "/redeploy"} project=${project.id} />`}
        ${run.status === "SUCCEEDED" && run.id !== newest && html`<${ActionButton} word="Roll back to this" path=${address + "/rollback"} project=${project.id} />`}
      </div>
      <${DeploymentRun} run=${run} open />
      <${DetailList} of=${[
        ["Deployment", html`<${Copyable} text=${run.id} />`],
        ["Site", run.url && html`<${Outside} href=${siteNow(run.url)} />`],
        ["Took", run.ended && duration(took(run))],
        ["Trace", html`<${Trace} project=${project.id} at=${run.began} heard=${run.status} />`],
      ]} />
      <h2 class="section-title">Log</h2>
      <${Log} answer=${logs} />
    </section>
  `;
}

function Log({ answer }) {
  if (!answer) return html`<${Loading} what="the log" />`;
  if (!answer.ok) return html`<${Failure} title="The log could not be read" problem=${answer.problem} />`;
  if (!answer.body.items.length) return html`<p class="muted">Nothing was logged yet.</p>`;
  return html`
    <ol class="log">
      ${answer.body.items.map((line, i) => html`
        <li key=${i} class=${line.level}>
          <span class="muted" title=${exact(line.time)}>${exact(line.time).slice(11)}</span>
          <span class="log-step">${line.step}</span>
          <span class="log-text">${line.level !== "info" && html`<b>${line.level}</b> `}${line.message}</span>
        </li>`)}
    </ol>
  `;
}

// ActionButton is a button that has the deployment service do something, and says when it
// would not. What it starts is shown.
function ActionButton({ word, path, body, project, primary, said }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const act = async () => {
    setBusy(true);
    const answer = await post(path, body);
    setBusy(false);
    setProblem(answer.ok ? null : answer.problem);
    await loadDeployments(project);
    if (answer.ok && answer.body?.id) go(projectPath(project, "deployments", answer.body.id));
  };
  return html`
    <button class="button ${primary ? "primary" : ""}" disabled=${busy} title=${said} onClick=${act}>${word}</button>
    ${problem && html`<${Failure} title="${word}: refused" problem=${problem} />`}
  `;
}

// Runtime is what runs of the project now.
function Runtime({ id, heard }) {
  const [answer, set] = useState(null);
  const [lines, setLines] = useState([]);
  useEffect(() => {
    let gone = false;
    const address = "/api/runtimes/" + encodeURIComponent(id);
    get(address).then(async (answer) => {
      if (gone) return;
      set(answer);
      if (!answer.ok || answer.body.runtime !== "process") return;
      const logs = await get(address + "/logs?lines=50");
      if (!gone && logs.ok) setLines(logs.body.items);
    });
    return () => (gone = true);
  }, [id, heard]);
  if (!answer?.ok) return null;
  const { runtime, state, address, restarts, error, startedAt } = answer.body;
  return html`
    <h2 class="section-title">Runs now</h2>
    <${DetailList} of=${[
      ["State", state?.toLowerCase()],
      ["As", runtime === "process" ? "a process" : "static files"],
      ["Address", address && html`<span class="mono">${address}</span>`],
      ["Restarts", restarts || ""],
      ["Since", startedAt && html`<span title=${exact(startedAt)}>${ago(startedAt)}</span>`],
      ["Error", error],
    ]} />
    ${lines.length > 0 && html`<ol class="log said">${lines.map((line, i) => html`<li key=${i}><span class="log-text">${line.text}</span></li>`)}</ol>`}
  `;
}
