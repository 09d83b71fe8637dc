// events holds what the graph service said about projects, by project. The
// server keeps what came before this page was opened; reload fetches it.
import { signal } from "@preact/signals";
import { get } from "./api.js";

const all = signal([]);

const same = (a, b) =>
  a.type === b.type && a.at === b.at && a.deploymentId === b.deploymentId && a.projectId === b.projectId &&
  JSON.stringify(a.data) === JSON.stringify(b.data);

// eventsOf gives a project's events, in the order they happened.
export const eventsOf = (projectId) => all.value.filter((event) => event.projectId === projectId);

// revision changes with each event, for those who wait for any.
export const revision = all;

export function addEvent(event) {
  if (!all.value.some((known) => same(known, event))) all.value = sorted([...all.value, event]).slice(-1000);
}

// reload fetches what was missed while there was no connection.
export async function reload() {
  const answer = await get("/api/events");
  if (!answer.ok) return;
  const fresh = answer.body.items.filter((event) => !all.value.some((known) => same(known, event)));
  if (fresh.length) all.value = sorted([...all.value, ...fresh]).slice(-1000);
}

const sorted = (events) => events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
