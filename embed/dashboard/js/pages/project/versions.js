// Versions are what a graph was: a list, and one of them looked at, compared with
// another and brought back.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { query, setQuery } from "../../address.js";
import { get } from "../../api.js";
import { compare } from "../../architecture.js";
import { useFetch } from "../../fetch.js";
import { ago, exact } from "../../text.js";
import { Failure, Loading } from "../../parts/notice.js";
import { Canvas } from "./canvas.js";
import { Changes } from "./conflict.js";
import { usePlaces } from "./places.js";

const look = (version) => setQuery("version", version ? String(version) : "");

export function VersionList({ draft }) {
  const now = draft.state.value.version;
  const [more, setMore] = useState(null);
  const { answer } = useFetch(`${draft.address}/versions?limit=50`, { reloadKey: now });
  const page = more ?? answer;
  if (!page) return html`<${Loading} what="the versions" />`;
  if (!page.ok) return html`<${Failure} title="The versions could not be read" problem=${page.problem} />`;
  const items = more ? [...answer.body.items, ...more.body.items] : answer.body.items;
  const next = async () => {
    const answer = await get(`${draft.address}/versions?limit=50&after=${encodeURIComponent(page.body.next)}`);
    setMore(answer.ok && more ? { ...answer, body: { ...answer.body, items: [...more.body.items, ...answer.body.items] } } : answer);
  };
  return html`
    <h2 class="section-title">Versions</h2>
    ${!items.length && html`<p class="muted">None yet: each save makes one.</p>`}
    <ul class="parts-list">
      ${items.map(({ version, createdAt }) => html`
        <li key=${version}>
          <button data-item class="part" aria-pressed=${Number(query.value.get("version")) === version} onClick=${() => look(version)}>
            <span class="part-name">Version ${version}${version === now ? " · newest" : ""}</span><span class="muted" title=${exact(createdAt)}>${ago(createdAt)}</span>
          </button>
        </li>`)}
    </ul>
    ${page.body.next && html`<button class="button more" onClick=${next}>Show more</button>`}
  `;
}

// Version is one version, as it was.
export function Version({ draft, version }) {
  const { version: now, saved } = draft.state.value;
  const { answer } = useFetch(`${draft.address}/versions/${version}`);
  const other = Number(query.value.get("with")) || (version > 1 ? version - 1 : now);
  const { answer: with_ } = useFetch(other !== now ? `${draft.address}/versions/${other}` : "");
  const second = other === now ? saved : with_?.body;
  const [problem, setProblem] = useState(null);
  if (!answer) return html`<${Loading} what="version ${version}" />`;
  if (!answer.ok) return html`<${Failure} title="Version ${version} could not be read" problem=${answer.problem} retry=${() => look(0)} />`;
  const graph = answer.body;
  const [older, newer] = version < other ? [graph, second] : [second, graph];
  const differ = second && compare(older, newer);
  const revert = async () => {
    const answer = await draft.revert(version);
    setProblem(answer.ok ? null : answer.problem);
    if (answer.ok) look(0);
  };
  return html`
    ${problem && html`<${Failure} title="The graph was not reverted" problem=${problem} />`}
    <div class="editor">
      <div class="editor-main">
        <div class="toolbar">
          <strong>Version ${version}</strong><span class="muted">to look at, as it was${version === now ? "; it is the newest" : ""}</span>
          <span class="spring"></span>
          <button class="button" onClick=${() => look(0)}>Back to the editor</button>
          ${version !== now && html`<button class="button primary" onClick=${revert}>Revert to version ${version}</button>`}
        </div>
        <${Drawing} graph=${graph} differ=${differ} />
      </div>
      <aside class="editor-side" aria-label="Versions">
        <div class="connect">
          <label for="compare-with">Compare with</label>
          <select id="compare-with" onChange=${(e) => setQuery("with", e.target.value)}>
            ${Array.from({ length: Math.min(now, 200) }, (_, i) => now - i).filter((n) => n !== version).map((n) => html`<option key=${n} value=${n} selected=${n === other}>version ${n}${n === now ? " (newest)" : ""}</option>`)}
          </select>
        </div>
        ${differ && other !== version && html`<p class="muted">From version ${Math.min(version, other)} to ${Math.max(version, other)}:</p><${Changes} of=${differ} none="No difference but where nodes stand." />`}
        <${VersionList} draft=${draft} />
      </aside>
    </div>
  `;
}

function Drawing({ graph, differ }) {
  const at = usePlaces(graph);
  const marks = Object.fromEntries(Object.entries(differ ?? {}).flatMap(([how, items]) => items.map(({ id }) => [id, how])));
  return at && html`<${Canvas} graph=${graph} at=${at} chosen=${{}} faults=${{}} marks=${marks} onChoose=${() => {}} />`;
}
