// Conflict shows that another client saved the graph while it was being changed
// here, with both sides to choose from.
import { html } from "../../html.js";
import { compare, countOf } from "../../architecture.js";
import { Notice } from "../../parts/notice.js";
import { signs } from "./canvas.js";

export function Conflict({ draft }) {
  const { theirs, saved, graph, saving } = draft.state.value;
  if (!theirs) return null;
  return html`
    <${Notice} tone="warn" title="Changed by someone else: version ${theirs.version} was saved meanwhile">
      <p>Nothing of yours is lost. Each side against the version that you began with:</p>
      <div class="sides">
        <section><h3>Yours</h3><${Changes} of=${compare(saved, graph)} none="Nodes were moved." /></section>
        <section><h3>Version ${theirs.version}</h3><${Changes} of=${compare(saved, theirs.graph)} none="Nodes were moved." /></section>
      </div>
      <div class="actions">
        <button class="button primary" disabled=${saving} onClick=${() => draft.save(theirs.version)}>Keep mine</button>
        <button class="button" onClick=${draft.takeTheirs}>Take version ${theirs.version}</button>
        <span class="muted">Mine is saved as the next version; theirs stays in the list. Undo brings mine back.</span>
      </div>
    <//>
  `;
}

const words = { added: "added", removed: "removed", changed: "changed" };

// Changes lists how two graphs differ, in words and signs.
export const Changes = ({ of, none }) =>
  countOf(of) === 0
    ? html`<p class="muted">${none}</p>`
    : html`<ul class="changes">
        ${Object.keys(words).flatMap((how) => of[how].map(({ kind, id, what, fields }) => html`
          <li key=${how + kind + id} class=${how}><span aria-label=${words[how]}>${signs[how].trim()}</span> ${what}${fields.length > 0 && html` <span class="muted">${fields.join(", ")}</span>`}</li>`))}
      </ul>`;
