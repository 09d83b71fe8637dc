// state is what the dashboard knows. live.js fills it; pages read it. A value
// of null is not known yet.
import { signal, computed } from "@preact/signals";

export const system = signal(null);
export const routes = signal(null); // {items, problems}
export const topics = signal(null); // {items, error}
export const services = signal(null); // of the compose file: {items}
export const link = signal(null); // how project events arrive: {state, error}

// creates tells whether there are services to create a project with.
export const creates = computed(() => (system.value?.parts ?? []).some((part) => part.name === "graph-service" && part.state !== "absent"));

// connection to the dashboard's own server: "connecting", "open" or "lost".
export const connection = signal({ state: "connecting", retryAt: 0, since: 0 });

// problems is everything that wants attention: {severity, what, where, hint, href}.
// Errors come before warnings.
export const problems = computed(() => {
  const found = [
    ...partProblems(system.value?.parts ?? [], (system.value?.problems ?? []).map((p) => p.message)),
    ...brokerProblems(system.value?.problems ?? []),
    ...labelProblems(routes.value?.problems ?? []),
    ...routeProblems(routes.value ?? { items: [], problems: [] }),
    ...topicProblems(topics.value),
    ...serviceProblems(services.value?.items ?? []),
  ];
  return found.sort((a, b) => (b.severity === "error") - (a.severity === "error"));
});

// partProblems leaves out what is said already. Parts that are unhealthy for the same
// cause, such as a full disk, are one problem.
function partProblems(parts, said) {
  const byCause = Map.groupBy(parts.filter((part) => part.state === "unhealthy" && !said.includes(part.detail)), causeOf);
  const unhealthy = [...byCause].map(([cause, of]) => ({
    severity: "error",
    what: of.length === 1 ? `${of[0].name} is unhealthy` : `${of.length} parts are unhealthy: ${of.map((part) => part.name).join(", ")}`,
    where: of.length === 1 ? of[0].detail || of[0].address : cause,
    href: "/",
  }));
  const others = parts.flatMap((part) => (part.problems ?? []).map((p) => ({ severity: "error", what: `${part.name}: ${p.message}`, where: p.where, hint: p.hint, href: "/" })));
  return [...unhealthy, ...others];
}

// causeOf is what a part that is unhealthy misses, whichever its address is.
function causeOf(part) {
  const missing = (part.instances ?? []).flatMap((instance) => instance.depends ?? []).find((d) => d.state === "unhealthy" && d.detail);
  return missing ? `${missing.name}: ${missing.detail}` : part.detail || part.address;
}

function labelProblems(found) {
  return found.map((p) => ({
    severity: p.severity,
    what: p.message,
    where: [p.file && p.file + (p.line ? ":" + p.line : ""), p.service, p.label].filter(Boolean).join(" · "),
    hint: p.hint,
    href: "/routes",
  }));
}

// brokerProblems are those of what the broker keeps, and of its disk.
function brokerProblems(list) {
  return list.map((p) => ({
    severity: ["disk-full", "disk-read-only"].includes(p.kind) ? "error" : "warning",
    what: p.message, hint: p.hint,
    where: p.topic ? `topic ${p.topic}` : "broker",
    href: p.topic ? `/topics/${encodeURIComponent(p.topic)}/groups` : "/",
  }));
}

// routeProblems leaves out what a problem of the labels says already.
function routeProblems({ items, problems: said }) {
  return items
    .filter((route) => route.status !== "enabled" && !route.errors.every((e) => said.some((p) => p.message === e)))
    .map((route) => ({
      severity: route.status === "disabled" ? "error" : "warning",
      what: `route ${route.name}: ${route.errors[0]}`,
      where: route.origin.file + (route.origin.line ? ":" + route.origin.line : ""),
      href: "/routes/" + encodeURIComponent(route.name),
    }));
}

// serviceProblems are those of the compose file's services that do not run as they should.
function serviceProblems(list) {
  const severities = { failed: "error", restarting: "error", unhealthy: "error", waiting: "warning" };
  return list
    .filter((s) => loopOf(s) || (s.state in severities && (s.state !== "waiting" || s.provider === "yours")))
    .map((s) => ({
      severity: severities[s.state] ?? "error",
      what: s.detail?.startsWith(s.name + ":") ? s.detail : `${s.name}: ${s.detail || loopOf(s) || s.state}`,
      where: [s.file && `${s.file}:${s.line}`, s.state].filter(Boolean).join(" · "),
      hint: s.hint,
      href: "/services/" + encodeURIComponent(s.name),
    }));
}

const recent = 30_000; // milliseconds

// loopOf says how a service crashes again and again that runs for a moment; "" where it does not.
function loopOf({ state, events = [] }) {
  const crash = events.findLast((event) => event.kind === "crashed");
  const loops = crash?.times > 1 && ["running", "starting"].includes(state) && Date.now() - Date.parse(crash.at) < recent;
  return loops ? `it crashes again and again: ${crash.detail}` : "";
}

function topicProblems(list) {
  if (list?.error) return [{ severity: "error", what: "the broker's topics could not be read", where: list.error, href: "/topics" }];
  return (list?.items ?? [])
    .filter((topic) => topic.name.endsWith(".dlq") && topic.messages > 0)
    .map((topic) => ({
      severity: "warning",
      what: `${topic.messages} dead ${topic.messages === 1 ? "letter" : "letters"}`,
      where: topic.name,
      href: "/topics/" + encodeURIComponent(topic.name),
    }));
}
