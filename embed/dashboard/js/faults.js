// faults is what is broken on purpose, as the server tells it from moment to
// moment, and how to break more.
import { computed, signal } from "@preact/signals";
import { post, remove } from "./api.js";
import { watch } from "./live.js";
import { routes } from "./state.js";

// list is {available, reason, items, recent}, or null until the server has told.
export const list = signal(null);

export const active = computed(() => list.value?.items ?? []);

// followFaults hears of every change, as long as the page is open.
export function followFaults() {
  watch("faults", {}, (data) => {
    const heard = Date.now();
    const until = (fault) => ({ ...fault, endsAt: heard + fault.leftMs });
    list.value = { ...data, items: data.items.map(until) };
  });
}

export const begin = (order) => post("/api/faults", order);
export const end = (id) => remove("/api/faults" + (id ? "/" + encodeURIComponent(id) : ""));

const serviceOf = (name) => name.split("@")[0];

// faultsOf gives the faults that are on for a "route", "service" (with or without
// its provider), "topic", "group" or the "broker", by name.
export function faultsOf(kind, name) {
  return active.value.filter((fault) => {
    const [what] = fault.kind.split("-");
    const { target = "" } = fault;
    if (kind === "topic") return what === "topic" && target === name;
    if (kind === "group") return what === "coordinator" && (!target || target === name);
    if (kind === "broker") return what !== "route";
    if (what !== "route") return false;
    const hit = (routes.value?.items ?? []).filter((route) => route.name === target || route.service === target || route.origin.service === target);
    if (kind === "route") return target === name || hit.some((route) => route.name === name);
    return [target, ...hit.flatMap((route) => [route.service, route.origin.service])].some((at) => serviceOf(at) === serviceOf(name));
  });
}
