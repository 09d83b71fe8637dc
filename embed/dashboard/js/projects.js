// projects holds what the graph service answered: the list, and deployments by
// project. It asks again when an event tells of something new.
import { effect, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";
import { eventsOf, revision } from "./events.js";
import { connection, link } from "./state.js";

export const list = signal(null); // {items, next}
export const listProblem = signal(null);
export const deployments = signal({}); // project id → list, newest first

export async function loadList() {
  const answer = await get("/api/projects?limit=50");
  listProblem.value = answer.ok ? null : answer.problem;
  if (answer.ok) list.value = answer.body;
}

export async function loadMore() {
  const { items, next } = list.value;
  const answer = await get("/api/projects?limit=50&after=" + encodeURIComponent(next));
  listProblem.value = answer.ok ? null : answer.problem;
  if (answer.ok) list.value = { items: [...items, ...answer.body.items], next: answer.body.next };
}

// loadProject finds a project in the list or asks for it; see api.js for the answer.
export async function loadProject(id) {
  const known = list.value?.items.find((project) => project.id === id);
  return known ? { ok: true, body: known } : get("/api/projects/" + encodeURIComponent(id));
}

// useProject gives {project, problem, load} while a component is there. An event
// that the project was changed or deleted has it asked for again.
export function useProject(id) {
  const [it, set] = useState({ project: null, problem: null });
  const updates = eventsOf(id).filter((event) => event.type === "PROJECT_UPDATED" || event.type === "PROJECT_DELETED").length;
  const load = async (ask = loadProject) => {
    const answer = await ask(id);
    set(answer.ok ? { project: answer.body, problem: null } : { project: null, problem: answer.problem });
    if (answer.ok) changed(answer.body);
  };
  useEffect(() => {
    load(updates ? (id) => get("/api/projects/" + encodeURIComponent(id)) : loadProject);
  }, [id, updates]);
  const known = list.value?.items.find((project) => project.id === id);
  return { project: (it.project && known) ?? it.project, problem: it.problem, load: () => load() };
}

export async function loadDeployments(id) {
  const answer = await get(`/api/projects/${encodeURIComponent(id)}/deployments`);
  if (answer.ok) deployments.value = { ...deployments.value, [id]: answer.body.items };
  return answer;
}

// added and removed keep the list true without asking for it again.
export function added(project) {
  const { items, next } = list.value ?? { items: [], next: "" };
  list.value = { items: [project, ...items.filter((known) => known.id !== project.id)], next };
}

// changed puts a project's newer state into the list.
export function changed(project) {
  if (list.value) list.value = { ...list.value, items: list.value.items.map((known) => (known.id === project.id ? project : known)) };
}

// refresh asks for one project of the list again.
async function refresh(id) {
  const answer = await get("/api/projects/" + encodeURIComponent(id));
  if (answer.ok) changed(answer.body);
}

export function removed(id) {
  if (list.value) list.value = { ...list.value, items: list.value.items.filter((project) => project.id !== id) };
}

// follow keeps the list fresh while its page is shown: on each new connection, when
// an event names a project that is not in it, and when one was changed or deleted.
// It returns a function that stops it.
export function follow() {
  const asked = new Set();
  const heard = new WeakSet(revision.peek()); // the list is asked for after them
  const stopConnection = effect(() => {
    if (connection.value.state === "open" && link.value && link.value.state !== "off") loadList();
  });
  const stopEvents = effect(() => {
    const known = new Set(list.peek()?.items.map((project) => project.id));
    const news = revision.value.filter((event) => !heard.has(event) && known.has(event.projectId));
    news.forEach((event) => heard.add(event));
    const idsOf = (type, events) => new Set(events.filter((event) => event.type === type).map((event) => event.projectId));
    const gone = idsOf("PROJECT_DELETED", revision.value);
    idsOf("PROJECT_DELETED", news).forEach(removed);
    [...idsOf("PROJECT_UPDATED", news)].filter((id) => !gone.has(id)).forEach(refresh);
    const fresh = revision.value.filter((event) => !known.has(event.projectId) && !asked.has(event.projectId) && !gone.has(event.projectId));
    fresh.forEach((event) => asked.add(event.projectId));
    if (fresh.length && list.peek()) loadList();
  });
  return () => {
    stopConnection();
    stopEvents();
  };
}

// statusOf is the newest word about a project's deployment, or "" where none
// has been heard.
export function statusOf(id) {
  const last = eventsOf(id).findLast((event) => event.type.startsWith("DEPLOYMENT_"));
  const heard = { DEPLOYMENT_SUCCEEDED: "SUCCEEDED", DEPLOYMENT_FAILED: "FAILED", DEPLOYMENT_CANCELLED: "CANCELLED" }[last?.type];
  return heard ?? (last ? "STARTED" : (deployments.value[id]?.[0]?.status ?? ""));
}
