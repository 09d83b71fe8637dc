// Trace links to what a deployment's request caused: the trace that spans the moment
// of the request, and has a message about the project in it.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { get } from "../../api.js";

const close = 1000; // ms that a request may have begun before the deployment was noted

export function Trace({ project, at, heard }) {
  const [found, set] = useState(); // null where there is none
  useEffect(() => {
    let gone = false;
    const search = new URLSearchParams({ text: project, service: "deployment-service", limit: 200 });
    get("/api/traces?" + search).then((answer) => gone || set(answer.ok ? (traceAt(answer.body.items, Date.parse(at)) ?? null) : null));
    return () => (gone = true);
  }, [project, at, heard]);
  if (found === undefined) return "…";
  return found ? html`<a href="/flow/${found.traceId}">${found.root}</a>` : html`<span class="muted">not kept any more</span>`;
}

// traceAt is the trace of those that began last before a time, and not long before.
export const traceAt = (traces, time) =>
  traces
    .filter(({ start, durationMs }) => Date.parse(start) <= time + 1 && Date.parse(start) + Math.max(durationMs, close) >= time)
    .sort((a, b) => Date.parse(b.start) - Date.parse(a.start))[0];
