// ProjectDetail follows one project: its site, and each deployment step by step.
import { useEffect, useState } from "preact/hooks";
import { html } from "../html.js";
import { go } from "../address.js";
import { post, remove } from "../api.js";
import { eventsOf } from "../events.js";
import { deployments, loadDeployments, removed, useProject } from "../projects.js";
import { siteNow } from "../sites.js";
import { connection, link } from "../state.js";
import { runsOf } from "../timeline.js";
import { ago, exact } from "../text.js";
import { Copyable } from "../parts/copy.js";
import { Icon } from "../parts/icon.js";
import { Failure, Loading } from "../parts/notice.js";
import { Detail, DetailList } from "../parts/split.js";
import { Json } from "../parts/json.js";
import { ProjectEdit } from "./project-edit.js";
import { DeploymentRun } from "./deploymentrun.js";
import { Trace } from "./project/trace.js";
import { projectPath } from "./project/path.js";
import { Tabs } from "./project/workbench.js";

export function ProjectDetail({ id }) {
  const { project, problem, load } = useProject(id);
  const events = eventsOf(id);
  const heard = events.length;
  // The service's own record is asked for at first, after each event, and when
  // a connection that was lost is back.
  useEffect(() => {
    if (connection.value.state === "open") loadDeployments(id);
  }, [id, heard, connection.value.state, link.value?.state]);

  const title = project?.name ?? "Project";
  return html`
    <${Detail} page="projects" back="projects" title=${title}>
      ${problem && html`<${Failure} title=${problem.status === 404 ? "There is no such project" : "The project could not be read"} problem=${problem} retry=${load} />`}
      ${!project && !problem && html`<${Loading} what="the project" />`}
      ${project && html`<${Tabs} id=${id} at="" /><${Body} project=${project} runs=${runsOf(project, deployments.value[id] ?? [], events)} />`}
    <//>
  `;
}

function Body({ project, runs }) {
  const live = siteNow(runs.find((run) => run.status === "SUCCEEDED" && run.url)?.url);
  return html`
    ${live && /^https?:\/\//.test(live) && html`
      <a class="site" href=${live} target="_blank" rel="noopener noreferrer">
        <span class="site-word"><${Icon} name="ok" />Live at</span>
        <span class="mono site-url">${live.replace(/\/$/, "")}</span>
        <${Icon} name="open" />
      </a>
    `}
    ${runs.slice(0, shownRuns).map((run, i) => html`<${DeploymentRun} key=${run.id || "first"} run=${run} open=${i === 0} />`)}
    ${runs.length > shownRuns && html`<p class="more"><a href=${projectPath(project.id, "deployments")}>All ${runs.length} deployments</a></p>`}
    <h3 class="section-title">Project</h3>
    <${DetailList} of=${[
      ["Id", html`<${Copyable} text=${project.id} />`],
      ["Slug", html`<span class="mono">${project.slug}</span>`],
      ["Template", project.template],
      ["Created", html`<span title=${exact(project.createdAt)}>${ago(project.createdAt)}</span>`],
      ["Trace", runs.at(-1).began && html`<${Trace} project=${project.id} at=${runs.at(-1).began} heard=${runs.at(-1).status} />`],
      ["Configuration", hasContent(project.config) && html`<${Json} value=${project.config} />`],
    ].filter(([, value]) => value)} />
    <${Actions} project=${project} />
  `;
}

const shownRuns = 3;

const hasContent = (config) => config && typeof config === "object" && Object.keys(config).length > 0;

// Actions asks before it deletes, in place.
function Actions({ project }) {
  const [asking, setAsking] = useState("");
  const [problem, setProblem] = useState(null);
  const address = "/api/projects/" + encodeURIComponent(project.id);
  const deploy = async () => {
    const answer = await post(address + "/deployments", {});
    setProblem(answer.ok ? null : { title: "The deployment was not started", ...answer });
    if (answer.ok) loadDeployments(project.id);
  };
  const destroy = async () => {
    const answer = await remove(address);
    if (!answer.ok && answer.status !== 404) return setProblem({ title: "The project was not deleted", ...answer });
    removed(project.id);
    go("/projects");
  };
  const close = () => setAsking("");
  return html`
    ${problem && html`<${Failure} title=${problem.title} problem=${problem.problem} />`}
    ${asking === "edit" && html`<${ProjectEdit} project=${project} close=${close} />`}
    ${asking === "delete" && html`
      <div class="ask" role="group" aria-label="Delete the project">
        <p><strong>Delete this project and its site?</strong> Its deployments, their logs, its graph with all versions, and <span class="mono">${project.slug}.apps.localhost</span> go. Its history stays.</p>
        <div class="actions">
          <button class="button danger" onClick=${destroy}>Delete</button>
          <button class="button" onClick=${close} ref=${(button) => button?.focus()}>Keep</button>
        </div>
      </div>`}
    ${!asking && html`
      <div class="actions">
        <button class="button" onClick=${deploy}>Deploy again</button>
        <button class="button" onClick=${() => setAsking("edit")}>Change…</button>
        <button class="button" onClick=${() => setAsking("delete")}>Delete…</button>
      </div>`}
  `;
}
