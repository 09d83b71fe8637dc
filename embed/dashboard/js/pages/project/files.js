// FilesView shows what is generated for a project now: a tree, and one file. All of
// it comes as the archive that can be downloaded.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { segments } from "../../address.js";
import { eventsOf } from "../../events.js";
import { languageOf, piecesOf } from "../../highlight.js";
import { bytes, plural } from "../../text.js";
import { filesOf } from "../../zip.js";
import { CopyButton } from "../../parts/copy.js";
import { Icon } from "../../parts/icon.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { projectPath } from "./path.js";

const mostShown = 200_000; // characters

// useFiles fetches the archive at first, and when the project or its graph changed.
function useFiles(project) {
  const [it, set] = useState({});
  const changed = eventsOf(project.id).filter((event) => event.type === "GRAPH_CHANGED" || event.type === "PROJECT_UPDATED").length;
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    fetchFiles(`/api/projects/${encodeURIComponent(project.id)}/code`).then((found) => gone || set(found));
    return () => (gone = true);
  }, [project.id, changed, tries]);
  return { ...it, load: () => setTries(tries + 1) };
}

async function fetchFiles(address) {
  try {
    const response = await fetch(address);
    if (response.ok) return { files: filesOf(await response.arrayBuffer()) };
    return { problem: { title: `Error ${response.status}`, ...(await response.json().catch(() => null)) } };
  } catch (error) {
    return { problem: { title: "No files", detail: error.message } };
  }
}

export function FilesView({ project }) {
  const { files, problem, load } = useFiles(project);
  if (problem) return html`<${Failure} title="No files were generated" problem=${problem} retry=${load} />`;
  if (!files) return html`<${Loading} what="the files" />`;
  const path = segments.value.slice(3).join("/");
  const file = path ? files.find((file) => file.path === path) : (files.find((file) => /^(README.md|compose.yaml)$/.test(file.path)) ?? files[0]);
  return html`
    <div class="files ${path ? "with-file" : ""}">
      <nav class="tree" aria-label="Files">
        <p class="tree-head"><span class="muted">${plural(files.length, "file")}</span><span class="spring"></span>
          <a class="button" href=${`/api/projects/${encodeURIComponent(project.id)}/code`} download=${`${project.slug}.zip`}><${Icon} name="download" />All as zip</a></p>
        <${Tree} id=${project.id} files=${files} chosen=${file?.path} />
      </nav>
      ${file ? html`<${File} key=${file.path} id=${project.id} file=${file} />` : html`<${Empty} title="There is no file ${path}">The project or its graph may have changed since.<//>`}
    </div>
  `;
}

function Tree({ id, files, chosen }) {
  const folders = new Map();
  for (const file of files) {
    const cut = file.path.lastIndexOf("/");
    const folder = file.path.slice(0, Math.max(cut, 0));
    folders.set(folder, [...(folders.get(folder) ?? []), { ...file, name: file.path.slice(cut + 1) }]);
  }
  const item = (file) => html`
    <li key=${file.path}><a data-item class="tree-file" href=${projectPath(id, "files", ...file.path.split("/"))} aria-current=${file.path === chosen ? "true" : undefined}>
      <${Icon} name="file" size=${14} /><span>${file.name}</span><span class="muted">${bytes(file.size)}</span></a></li>`;
  return [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, list]) =>
    folder === ""
      ? html`<ul key="">${list.map(item)}</ul>`
      : html`<details key=${folder} open><summary class="mono">${folder}/</summary><ul>${list.map(item)}</ul></details>`);
}

function File({ id, file }) {
  const [it, set] = useState({});
  useEffect(() => {
    let gone = false;
    file.read().then((content) => gone || set({ content, text: textOf(content) }), (error) => gone || set({ error }));
    return () => (gone = true);
  }, [file]);
  const { content, text, error } = it;
  return html`
    <section class="file" aria-label=${file.path}>
      <header class="file-head">
        <a class="icon-button file-back" href=${projectPath(id, "files")} aria-label="Back to the files"><${Icon} name="back" /></a>
        <h2 class="mono">${file.path}</h2>
        ${text !== undefined && html`<${CopyButton} text=${text} what=${file.path} />`}
        ${content && html`<button class="icon-button" aria-label="Download ${file.path}" title="Download" onClick=${() => download(file.path, content)}><${Icon} name="download" /></button>`}
      </header>
      ${error && html`<${Failure} title="The file could not be read" problem=${{ detail: error.message }} />`}
      ${content && text === undefined && html`<p class="muted file-note">${bytes(file.size)} that are no text.</p>`}
      ${text !== undefined && html`<${Code} text=${text} path=${file.path} />`}
    </section>
  `;
}

function Code({ text, path }) {
  const shown = text.slice(0, mostShown);
  return html`
    <pre class="code" tabindex="0" aria-label="Content of ${path}"><code>${piecesOf(shown, languageOf(path)).map(({ kind, text }) => (kind ? html`<span class="code-${kind}">${text}</span>` : text))}</code></pre>
    ${shown.length < text.length && html`<p class="muted file-note">The first ${bytes(mostShown)} of ${bytes(text.length)}; download it for the rest.</p>`}
  `;
}

// textOf is undefined for what is no text.
function textOf(content) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function download(path, content) {
  const url = URL.createObjectURL(new Blob([content]));
  const a = document.createElement("a");
  a.href = url;
  a.download = path.split("/").at(-1);
  a.click();
  URL.revokeObjectURL(url);
}
