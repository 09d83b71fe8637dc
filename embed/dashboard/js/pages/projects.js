// Projects creates projects as any client does and shows what becomes of them.
import { useEffect } from "preact/hooks";
import { html } from "../html.js";
import { go, hrefTo, segments } from "../address.js";
import { follow, list, listProblem, loadList, loadMore, statusOf } from "../projects.js";
import { connection, link } from "../state.js";
import { ago, exact, plural } from "../text.js";
import { Filter, filterText } from "../parts/filter.js";
import { Icon } from "../parts/icon.js";
import { Empty, Failure, Loading, Notice } from "../parts/notice.js";
import { Detail, Split } from "../parts/split.js";
import { Status } from "../parts/status.js";
import { ProjectForm } from "./project-form.js";
import { ProjectDetail } from "./project.js";
import { Workbench } from "./project/workbench.js";

export function ProjectsPage() {
  useEffect(follow, []);
  if (!link.value) return html`<${Loading} what="projects" />`;
  if (link.value.state === "off") return html`<${NoServices} />`;
  const [, chosen, at] = segments.value;
  if (at) return html`<${Workbench} key=${chosen} id=${chosen} at=${at} />`;
  const form = !chosen || chosen === "new";
  return html`<${Split}
    soft=${!chosen}
    list=${html`<${List} chosen=${chosen} />`}
    detail=${form
      ? html`<${Detail} page="projects" back="projects" title="New project"><${ProjectForm} /><//>`
      : html`<${ProjectDetail} key=${chosen} id=${chosen} />`}
  />`;
}

const NoServices = () => html`
  <h1 class="page-title">Projects</h1>
  <${Empty} title="This stack runs no builtin services">
    Projects belong to graph-service. Start axion without <code>--no-builtins</code> to create them here.
  <//>
`;

function List({ chosen }) {
  const known = list.value;
  const text = filterText();
  const shown = (known?.items ?? []).filter((p) => [p.name, p.slug, p.id].some((field) => field?.toLowerCase().includes(text)));
  return html`
    <header class="page-head">
      <h1 class="page-title">Projects</h1>
      ${known?.items.length > 0 && html`<span class="muted">${plural(shown.length, "project")}${known.next && " so far"}</span>`}
      <span class="spring"></span>
      ${known?.items.length > 0 && html`<${Filter} label="Filter by name" />`}
      ${(!known || known.items.length > 0) && html`<a class="button primary new" href=${hrefTo("projects", "new")}><${Icon} name="plus" />New project</a>`}
    </header>
    <${LinkNotice} />
    ${listProblem.value && html`<${Failure} title="The projects could not be read" problem=${listProblem.value} retry=${loadList} />`}
    ${!known && !listProblem.value && html`<${Loading} what="projects" />`}
    ${shown.length > 0 && html`<${Table} projects=${shown} chosen=${chosen} />`}
    ${known && !shown.length && (text
      ? html`<${Empty} title="No project matches “${text}”">Only projects that are loaded are searched.<//>`
      : html`<${Empty} title="No projects yet">
          Create one and watch it pass from the gateway through Kafka to a running site.
          <p class="empty-action new"><a class="button primary" href="/projects/new"><${Icon} name="plus" />New project</a></p>
        <//>`)}
    ${known?.next && html`<button class="button more" onClick=${loadMore}>Show more</button>`}
  `;
}

// LinkNotice says when progress does not arrive live.
const LinkNotice = () =>
  connection.value.state === "open" && link.value.state === "lost" &&
  html`<${Notice} tone="warn" title="Live progress is interrupted">
    ${link.value.error}. Trying again; what was missed follows.
  <//>`;

const Table = ({ projects, chosen }) => html`
  <table class="table projects choosable">
    <thead>
      <tr><th>Project</th><th>Deployment</th><th>Template</th><th>Created</th></tr>
    </thead>
    <tbody>
      ${projects.map((project) => {
        const status = statusOf(project.id);
        const href = hrefTo("projects", project.id);
        return html`
          <tr key=${project.id} class=${project.id === chosen ? "chosen" : ""} onClick=${() => go(href)}>
            <td class="at-name"><a data-item href=${href} aria-current=${project.id === chosen ? "true" : undefined}>${project.name}</a> <span class="slug mono muted" title="Slug">${project.slug}</span></td>
            <td class="at-status">${status && html`<${Status} of=${status} />`}</td>
            <td class="at-template muted">${project.template}</td>
            <td class="at-created muted" title=${exact(project.createdAt)}>${ago(project.createdAt)}</td>
          </tr>
        `;
      })}
    </tbody>
  </table>
`;
