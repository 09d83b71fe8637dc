// RecentActivity is what came last: requests with all they caused, deployments, and what
// happened to the services of the compose file.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { revision } from "../events.js";
import { useChannel } from "../live.js";
import { millis } from "../rate.js";
import { siteNow } from "../sites.js";
import { creates, services } from "../state.js";
import { ago, exact, plural } from "../text.js";
import { Status } from "./status.js";

const room = 6;
const words = { DEPLOYMENT_SUCCEEDED: ["SUCCEEDED", "Deployed"], DEPLOYMENT_FAILED: ["FAILED", "Deployment failed"] };

export function RecentActivity() {
  const [held, hold] = useState(false);
  const traces = useTraces(held);
  const items = [...traces.map(ofTrace), ...revision.value.filter((event) => words[event.type]).map(ofEvent), ...(services.value?.items ?? []).flatMap(ofService)];
  items.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return html`
    <section class="happened card" aria-label="What just happened" onMouseEnter=${() => hold(true)} onMouseLeave=${() => hold(false)}>
      <h2 class="happened-title">Just now${held && items.length > 0 && html` <span class="muted">paused under the pointer</span>`}</h2>
      ${items.length === 0 && html`<p class="muted">Nothing yet. The next request is here with all that it causes${creates.value && html`: <a href="/projects/new">create a project</a>`}.</p>`}
      <ol>
        ${items.slice(0, room).map(
          (item) => html`
            <li key=${item.key}>
              <a href=${item.href}>
                ${item.state ? html`<${Status} of=${item.state} word=${item.word} />` : html`<span class="happened-took">${item.took}</span>`}
                <span class="mono happened-what">${item.what}</span>
                <span class="muted happened-where">${item.where}</span>
                <span class="muted happened-at" title=${exact(item.at)}>${ago(item.at)}</span>
              </a>
            </li>
          `,
        )}
      </ol>
    </section>
  `;
}

const calm = 1000; // between two changes of the list

// useTraces keeps the newest traces, and leaves them as they are while held.
function useTraces(held) {
  const all = useRef(new Map());
  const [traces, setTraces] = useState([]);
  const stopped = useRef(held);
  const timer = useRef(0);
  stopped.current = held;
  useEffect(() => () => clearTimeout(timer.current), []);
  const show = () => {
    timer.current = 0;
    if (!stopped.current) setTraces([...all.current.values()]);
  };
  useEffect(() => {
    if (!held) show();
  }, [held]);
  const query = useMemo(() => ({ limit: String(room) }), []);
  useChannel("traces", query, ({ items, snapshot }) => {
    if (snapshot) all.current.clear(); // the stack may be another by now, with none of the old
    for (const trace of items) all.current.set(trace.traceId, trace);
    const newest = [...all.current.values()].sort((a, b) => Date.parse(b.start) - Date.parse(a.start)).slice(0, room);
    all.current = new Map(newest.map((trace) => [trace.traceId, trace]));
    if (!timer.current) {
      timer.current = setTimeout(show, calm);
      if (traces.length === 0) show();
    }
  });
  return traces;
}

const ofTrace = (trace) => ({
  key: trace.traceId,
  at: trace.start,
  href: "/flow/" + trace.traceId,
  what: trace.root,
  where: trace.services.map((name) => name.replace(/-service$/, "")).join(" · "),
  took: millis(trace.durationMs),
  ...(trace.errors > 0 && { state: "error", word: "Failed" }),
});

const ofEvent = (event) => ({
  key: event.type + event.deploymentId,
  at: event.at,
  href: "/projects/" + encodeURIComponent(event.projectId),
  what: siteNow(event.data?.url)?.replace(/^https?:\/\//, "") ?? event.data?.error ?? event.deploymentId,
  where: "",
  state: words[event.type][0],
  word: words[event.type][1],
});

const ofOneService = 2; // events: one that crashes again and again leaves room for others

// eventLooks are the looks and words for what happens to a service.
export const eventLooks = {
  started: ["running", "Started"],
  restarted: ["running", "Restarted"],
  stopped: ["stopped", "Stopped"],
  completed: ["completed", "Completed"],
  crashed: ["error", "Crashed"],
  failed: ["failed", "Failed"],
  unhealthy: ["unhealthy", "Unhealthy"],
  healthy: ["healthy", "Healthy"],
};

// causeOf is why an event came, and how often.
export const causeOf = ({ detail, times }) => [detail, times && plural(times, "time")].filter(Boolean).join(", ");

const ofService = ({ name, events = [] }) =>
  events.slice(-ofOneService).map((event) => ({
    key: `${name} ${event.kind} ${event.at}`,
    at: event.at,
    href: "/services/" + encodeURIComponent(name),
    what: name,
    where: causeOf(event),
    state: eventLooks[event.kind]?.[0],
    word: eventLooks[event.kind]?.[1] ?? event.kind,
  }));
