// GraphView edits a project's architecture graph: drawn at left, listed at right.
// What is chosen, and which version is looked at, is in the address.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { query, setQuery } from "../../address.js";
import { compare, countOf, edgeHints, edgesBetween, nameOf, nodeTypes } from "../../architecture.js";
import { changes, draftOf, findings } from "../../draft.js";
import { addNode, connect, faultsOf, removeEdge, removeNode } from "../../edit.js";
import { arrange, moved, placeOf } from "../../graph/layout.js";
import { eventsOf } from "../../events.js";
import { connection } from "../../state.js";
import { plural } from "../../text.js";
import { Icon } from "../../parts/icon.js";
import { Failure, Loading, Notice } from "../../parts/notice.js";
import { Canvas, shapes } from "./canvas.js";
import { Conflict } from "./conflict.js";
import { Inspector } from "./inspector.js";
import { Parts } from "./parts.js";
import { usePlaces } from "./places.js";
import { Version, VersionList } from "./versions.js";

export function GraphView({ project }) {
  const draft = draftOf(project.id);
  const state = draft.state.value;
  const heard = eventsOf(project.id).findLast((event) => event.type === "GRAPH_CHANGED")?.data?.version;
  useEffect(() => {
    if (connection.value.state === "open" && !(state.loaded && heard <= draft.state.peek().version)) draft.load();
  }, [heard, connection.value.state]);
  if (!state.loaded) {
    return state.problem ? html`<${Failure} title="The graph could not be read" problem=${state.problem} retry=${draft.load} />` : html`<${Loading} what="the graph" />`;
  }
  const version = Number(query.value.get("version"));
  return version ? html`<${Version} key=${version} draft=${draft} version=${version} />` : html`<${Editor} draft=${draft} />`;
}

function Editor({ draft }) {
  const state = draft.state.value;
  const { graph } = state;
  const at = usePlaces(graph);
  const [said, say] = useAnnouncement();
  const [arranged, setArranged] = useState(0); // how often: the drawing is fitted anew
  const chosen = { node: query.value.get("node"), edge: query.value.get("edge") };
  const choose = ({ node = "", edge = "" }) => {
    setQuery("node", node);
    setQuery("edge", edge);
  };
  const faults = faultsOf(graph, findings(state));
  const act = actionsOf(draft, at, choose, say, () => setArranged((n) => n + 1));
  useShortcuts(draft);
  if (!at) return html`<${Loading} what="the graph" />`;
  const changed = countOf(changes(state));
  return html`
    <${Conflict} draft=${draft} />
    ${state.problem && html`<${Failure} title="The graph was not saved" problem=${state.problem} />`}
    ${faults[""]?.map(({ detail }) => html`<${Notice} tone="error" title="The graph cannot be saved">${detail}<//>`)}
    <div class="editor">
      <div class="editor-main">
        <${Toolbar} draft=${draft} act=${act} changed=${changed} faulty=${Object.keys(faults).length} />
        <${Canvas} graph=${graph} at=${at} fitted=${arranged} chosen=${chosen} faults=${faults} onChoose=${choose} onMove=${act.move} onConnect=${act.connect} onRemove=${act.remove} />
        ${!graph.nodes.length && html`<p class="canvas-empty muted">Nothing is here yet: the project is made from its template alone. Add a service, and what it needs.</p>`}
      </div>
      <aside class="editor-side" aria-label="Nodes and connections">
        ${query.value.has("versions")
          ? html`<${VersionList} draft=${draft} />`
          : html`<${Inspector} key=${chosen.node ?? chosen.edge} draft=${draft} chosen=${chosen} faults=${faults} act=${act} choose=${choose} />
            <${Parts} graph=${graph} chosen=${chosen} faults=${faults} choose=${choose} />`}
      </aside>
    </div>
    <p class="visually-hidden" role="status">${said}</p>
  `;
}

// actionsOf is what can be done to a draft, by the drawing and by the list.
function actionsOf(draft, at, choose, say, fit) {
  const { change } = draft;
  // Once a node has a place of its own, all have: the others stay where they are seen.
  const settle = (graph) => ({ ...graph, nodes: graph.nodes.map((node) => (placeOf(node) ? node : moved(node, at[node.id]))) });
  return {
    add: (type) => {
      const { graph, id } = addNode(settle(draft.state.value.graph), type, at);
      change(() => graph);
      choose({ node: id });
      say(`${type} ${id} added`);
    },
    move: (id, to, kind) => change((graph) => ({ ...settle(graph), nodes: settle(graph).nodes.map((node) => (node.id === id ? moved(node, to) : node)) }), kind),
    connect: (from, to, type) => {
      const { graph } = draft.state.value;
      const [a, b] = [from, to].map((id) => graph.nodes.find((node) => node.id === id));
      const [first] = type ? [type] : edgesBetween(a, b);
      if (!first) return say(`${nameOf(a)} cannot be connected to ${nameOf(b)}. ${edgeHints[b.type === "queue" ? "kafka" : ["database", "cache"].includes(b.type) ? "database" : "http"]}`);
      const { graph: next, id } = connect(graph, from, to, first);
      change(() => next);
      if (!type) choose({ edge: id });
      say(`${nameOf(a)} connected to ${nameOf(b)} by ${first}`);
    },
    remove: (id) => {
      change((graph) => removeNode(graph, id));
      choose({});
      say(`${id} deleted; undo brings it back`);
    },
    removeEdge: (id) => {
      change((graph) => removeEdge(graph, id));
      say("Connection deleted; undo brings it back");
    },
    arrange: async () => {
      const found = await arrange(draft.state.value.graph);
      change((graph) => ({ ...graph, nodes: graph.nodes.map((node) => (found[node.id] ? moved(node, found[node.id]) : node)) }));
      fit();
    },
  };
}

// useAnnouncement gives what a reader of the screen hears of what was done, and gives the
// focus a place where what had it is gone by that.
function useAnnouncement() {
  const [said, set] = useState(null);
  useLayoutEffect(() => {
    if (!said || document.activeElement !== document.body) return;
    const places = [".editor-side h3[tabindex]", ".editor-side [data-item]", ".add"].map((place) => document.querySelector(place));
    places.find(Boolean)?.focus({ preventScroll: true });
  }, [said]);
  return [said?.text, (text) => set({ text })];
}

// useShortcuts saves by Ctrl-S or Ctrl-Enter, undoes by Ctrl-Z, and asks before the
// page is left with changes.
function useShortcuts(draft) {
  useEffect(() => {
    const key = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      const pressed = event.key.toLowerCase();
      const typing = event.target.closest?.("input, textarea");
      if (pressed === "s" || pressed === "enter") draft.save();
      else if (typing) return;
      else if (pressed === "y" || (pressed === "z" && event.shiftKey)) draft.redo();
      else if (pressed === "z") draft.undo();
      else return;
      event.preventDefault();
    };
    const leave = (event) => countOf(changes(draft.state.peek())) > 0 && event.preventDefault();
    addEventListener("keydown", key);
    addEventListener("beforeunload", leave);
    return () => {
      removeEventListener("keydown", key);
      removeEventListener("beforeunload", leave);
    };
  }, [draft]);
}

function Toolbar({ draft, act, changed, faulty }) {
  const { version, past, future, saving, saved, graph, texts } = draft.state.value;
  const real = countOf(compare(saved, graph));
  const unread = Object.keys(texts).length;
  const told = real || unread ? plural(real || unread, "unsaved change") : changed ? "places not saved" : version ? "saved" : "";
  return html`
    <div class="toolbar">
      <div class="toolbar-group">
        <button class="icon-button" aria-label="Undo" title="Undo (Ctrl Z)" disabled=${!past.length} onClick=${draft.undo}><${Icon} name="undo" /></button>
        <button class="icon-button" aria-label="Redo" title="Redo (Ctrl Shift Z)" disabled=${!future.length} onClick=${draft.redo}><${Icon} name="redo" /></button>
        <button class="button" disabled=${graph.nodes.length < 2} onClick=${act.arrange}>Arrange</button>
        <button class="button" aria-pressed=${query.value.has("versions")} title="List the versions" onClick=${() => setQuery("versions", query.value.has("versions") ? "" : "true")}>${version ? `Version ${version}` : "Versions"}</button>
      </div>
      <span class="spring"></span>
      <div class="toolbar-group">
        <span class="muted" role="status">${faulty ? html`<span class="wrong-word">${plural(faulty, "mistake")}</span> · ` : ""}${told}</span>
        ${changed > 0 && html`<button class="button" onClick=${draft.discard}>Discard</button>`}
        <button class="button primary" title="Save a new version (Ctrl S)" disabled=${saving || !changed || faulty > 0 || unread > 0} onClick=${() => draft.save()}>${saving ? "Saving…" : "Save"}</button>
      </div>
    </div>
    <div class="toolbar" role="group" aria-label="Add a node">
      <span class="muted">Add</span>
      <div class="toolbar-group">
        ${Object.entries(nodeTypes).map(([type, what]) => html`
          <button key=${type} class="button add is-${type}" title="${what}" onClick=${() => act.add(type)}>
            <svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d=${shapes[type]} /></svg><span class="visually-hidden">Add </span>${type}
          </button>`)}
      </div>
    </div>
  `;
}
