// What is broken on purpose is said on every page, and where it breaks something.
import { useEffect, useState } from "preact/hooks";
import { html } from "../html.js";
import { active, end, faultsOf } from "../faults.js";
import { duration, plural } from "../text.js";
import { Icon } from "./icon.js";

export { faultsOf };

// FaultMark stands where something is broken on purpose, and leads to what breaks
// it; elsewhere it is nothing. kind and name are those of faultsOf. With words it
// says what is broken.
export function FaultMark({ kind, name, words }) {
  const on = faultsOf(kind, name);
  if (!on.length) return null;
  const text = on.map((fault) => fault.text).join("; ");
  return html`
    <a class="fault-mark" href="/faults/${on[0].id}" title=${`A fault is on: ${text}`} onClick=${(event) => event.stopPropagation()}>
      <${Icon} name="faults" size=${14} /><span class=${words ? "" : "visually-hidden"}>${words ? text : `A fault is on: ${text}`}</span>
    </a>
  `;
}

// TimeLeft counts the time down until at.
export function TimeLeft({ at }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, []);
  return duration(Math.ceil(Math.max(0, at - Date.now()) / 1000) * 1000);
}

// FaultStrip is the frame's word on what is on.
export function FaultStrip() {
  const on = active.value;
  if (!on.length) return null;
  const next = on.reduce((a, b) => (a.endsAt < b.endsAt ? a : b));
  const href = on.length > 1 ? "/faults" : `/faults/${next.id}`;
  return html`
    <div class="fault-strip" role="status">
      <${Icon} name="faults" />
      <a href=${href}>${plural(on.length, "fault is", "faults are")} on: ${on.length > 1 ? `${next.text}, and ${on.length - 1} more` : next.text}</a>
      <span class="muted" aria-hidden="true">ends in <${TimeLeft} at=${next.endsAt} /></span>
      <button class="button" onClick=${() => end(on.length > 1 ? "" : next.id)}>${on.length > 1 ? "End all" : "End now"}</button>
    </div>
  `;
}
