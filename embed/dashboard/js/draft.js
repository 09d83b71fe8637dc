// draft holds the graph that is being edited, for each project: what was saved, what
// was changed since, and what another client saved meanwhile. It outlives the page
// that shows it, so that nothing typed is lost.
import { signal } from "@preact/signals";
import { call, get } from "./api.js";
import { checkGraph, compare, countOf } from "./architecture.js";

const most = 100; // steps that can be undone
const empty = { nodes: [], edges: [] };
const drafts = new Map();

// draftOf gives a project's draft: signals, and what changes them.
export function draftOf(project) {
  if (!drafts.has(project)) drafts.set(project, newDraft(`/api/projects/${encodeURIComponent(project)}/graph`));
  return drafts.get(project);
}

// A draft's state: graph as it is now, saved and version as the service has it;
// found is what the service refused, theirs what another client saved.
const blank = { loaded: false, problem: null, saved: empty, version: 0, graph: empty, past: [], future: [], last: "", found: [], theirs: null, saving: false, texts: {} };

function newDraft(address) {
  const state = signal(blank);
  const set = (change) => (state.value = { ...state.value, ...change });

  // change makes the graph another. Changes of the same kind that follow each other
  // are one step: the letters of a name, the places of a node on its way.
  const change = (make, kind = "") => {
    const { graph, past, last } = state.value;
    const next = make(graph);
    if (next === graph) return;
    const merge = kind !== "" && kind === last && past.length > 0;
    set({ graph: next, past: merge ? past : [...past, graph].slice(-most), future: [], last: kind, found: [] });
  };
  const step = (from, to) => () => {
    const { graph, [from]: stack, [to]: other } = state.value;
    if (!stack.length) return;
    set({ graph: stack.at(-1), [from]: stack.slice(0, -1), [to]: [...other, graph], last: "", found: [], texts: {} });
  };

  const take = (graph, version) => set({ loaded: true, problem: null, saved: graph, graph, version, found: [], theirs: null, last: "", texts: {} });

  const load = async () => {
    const answer = await get(address);
    if (!answer.ok) return set({ problem: answer.problem });
    const version = versionOf(answer);
    const { loaded, saving, version: before } = state.value;
    if (!loaded || (!dirty() && version !== before)) return take(answer.body, version);
    set({ problem: null, ...(!saving && version > before && { theirs: { graph: answer.body, version } }) });
  };

  const save = async (over = state.value.version) => {
    if (state.value.saving) return;
    const sent = state.value.graph;
    set({ saving: true, problem: null });
    const answer = await call("PUT", address, sent, { "If-Match": `"${over}"` });
    set({ saving: false });
    if (answer.status === 412) return load();
    if (!answer.ok) return set({ problem: answer.problem.errors ? null : answer.problem, found: answer.problem.errors ?? [] });
    const { graph, past, future } = state.value;
    // What was typed while it was sent stays.
    set({ saved: answer.body, graph: graph === sent ? answer.body : graph, version: versionOf(answer), theirs: null, found: [], past, future });
  };

  const revert = async (version) => {
    const answer = await call("POST", address + "/revert", { version });
    if (!answer.ok) return answer;
    const { graph, past } = state.value;
    set({ past: [...past, graph].slice(-most), future: [] });
    take(answer.body, versionOf(answer));
    return answer;
  };

  // takeTheirs puts another client's version in place; ours is one undo away.
  const takeTheirs = () => {
    const { theirs, graph, past } = state.value;
    set({ past: [...past, graph].slice(-most), future: [] });
    take(theirs.graph, theirs.version);
  };

  const discard = () => change(() => state.value.saved);
  const dirty = () => countOf(changes(state.value)) > 0 || Object.keys(state.value.texts).length > 0;
  // write keeps a text that is no value yet, such as half a JSON object.
  const write = (id, text) => {
    const { [id]: _, ...texts } = state.value.texts;
    set({ texts: text === null ? texts : { ...texts, [id]: text } });
  };
  return { address, state, change, undo: step("past", "future"), redo: step("future", "past"), load, save, revert, takeTheirs, discard, write };
}

export const versionOf = (answer) => Number((answer.headers.get("ETag") ?? "").replace(/\D/g, ""));
export const changes = ({ saved, graph }) => compare(saved, graph, true);

// findings are what is wrong with a draft: found here, or by the service.
export const findings = ({ graph, found }) => [...checkGraph(graph), ...found];
