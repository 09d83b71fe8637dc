// Workbench is what a project is worked on with: its graph, files, deployments and
// history, each with the whole width of the page.
import { useEffect } from "preact/hooks";
import { html } from "../../html.js";
import { go } from "../../address.js";
import { lazy } from "../../parts/lazy.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Icon } from "../../parts/icon.js";
import { Status } from "../../parts/status.js";
import { statusOf, useProject } from "../../projects.js";
import { projectPath } from "./path.js";

const views = {
  graph: ["Graph", lazy("the graph", () => import("./graph.js").then((m) => m.GraphView))],
  files: ["Files", lazy("the files", () => import("./files.js").then((m) => m.FilesView))],
  deployments: ["Deployments", lazy("the deployments", () => import("./deployments.js").then((m) => m.DeploymentsView))],
  history: ["History", lazy("the history", () => import("./history.js").then((m) => m.HistoryView))],
};

// Tabs lead to a project's views; at is the open one, "" for the overview.
export const Tabs = ({ id, at }) => html`
  <nav class="tabs" aria-label="Project">
    ${[["", "Overview"], ...Object.entries(views).map(([name, [title]]) => [name, title])].map(
      ([name, title]) => html`<a key=${name} class="tab" href=${name ? projectPath(id, name) : projectPath(id)} aria-current=${name === at ? "page" : undefined}>${title}</a>`,
    )}
  </nav>
`;

export function Workbench({ id, at }) {
  const { project, problem, load } = useProject(id);
  const [, View] = views[at] ?? [];
  useEffect(() => {
    // Escape leads to the project, unless something on the page takes it.
    const key = (event) => {
      if (event.key !== "Escape" || event.target.closest?.("input, textarea, select, .inspector")) return;
      event.stopImmediatePropagation();
      go(projectPath(id));
    };
    addEventListener("keydown", key, true);
    return () => removeEventListener("keydown", key, true);
  }, [id]);
  const status = statusOf(id);
  return html`
    <div class="workbench">
      <header class="page-head">
        <a class="icon-button" href=${projectPath(id)} aria-label="Back to the project" title="Overview (Esc)"><${Icon} name="back" /></a>
        <h1 class="page-title">${project?.name ?? "Project"}</h1>
        ${status && html`<${Status} of=${status} />`}
        <span class="spring"></span>
        <${Tabs} id=${id} at=${at} />
      </header>
      ${problem && html`<${Failure} title=${problem.status === 404 ? "There is no such project" : "The project could not be read"} problem=${problem} retry=${load} />`}
      ${!project && !problem && html`<${Loading} what="the project" />`}
      ${project && (View ? html`<${View} key=${id} project=${project} />` : html`<${Empty} title="There is no page here"><a href=${projectPath(id)}>Go to the project</a><//>`)}
    </div>
  `;
}
