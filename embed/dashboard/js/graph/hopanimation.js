// hopanimation shows what passes: a dot travels each edge that a real request or message took,
// a trace's in the order in which they happened, slowed down so that one can follow.
import { keyOf } from "./edges.js";

const atOnce = 30;
const travel = 700; // milliseconds an edge
const step = 160; // between two hops of a trace

const still = matchMedia("(prefers-reduced-motion: reduce)");

// HopAnimation draws on layer, an element as large as the map. pathOf gives the edge's path
// for its key, and lineOf its element; undefined where it is not drawn.
export class HopAnimation {
  constructor(layer, pathOf, lineOf) {
    Object.assign(this, { layer, pathOf, lineOf, flying: 0, next: new Map(), shown: 0 });
  }

  // play shows hops, by their start, but for those that are too many.
  play(hops) {
    const now = performance.now();
    for (const [trace, at] of this.next) if (at < now) this.next.delete(trace);
    for (const hop of hops) {
      const key = keyOf(hop);
      const path = this.pathOf(key);
      if (!path || document.hidden || this.flying >= atOnce) continue;
      const at = Math.max(now, this.next.get(hop.traceId) ?? 0);
      this.next.set(hop.traceId, at + step);
      this.shown++;
      this.light(key, at - now, hop.error);
      this.flying++;
      const done = () => this.flying--;
      if (still.matches) setTimeout(done, at - now + travel);
      else this.fly(path, hop, at - now).finished.then(done, done);
    }
  }

  fly(path, hop, delay) {
    const dot = document.createElement("i");
    dot.className = `map-dot is-${hop.hop} ${hop.error ? "failed" : ""}`;
    dot.style.offsetPath = `path("${path}")`;
    this.layer.append(dot);
    const flight = dot.animate(
      [{ offsetDistance: "0%", opacity: 1 }, { offsetDistance: "100%", opacity: 1 }],
      { duration: travel, delay, easing: "ease-in-out", fill: "backwards" },
    );
    flight.finished.then(() => dot.remove(), () => dot.remove());
    dot.style.opacity = 0;
    return flight;
  }

  // light has the edge itself stand out for a moment.
  light(key, delay, failed) {
    const line = this.lineOf(key);
    const colour = failed ? "var(--error)" : getComputedStyle(line ?? this.layer).stroke;
    line?.animate(
      [{ strokeOpacity: 1, stroke: colour }, { strokeOpacity: 1, stroke: colour, offset: 0.6 }, {}],
      { duration: travel * 1.6, delay },
    );
  }

  // clear takes back what flies: the edges are elsewhere now.
  clear() {
    for (const dot of [...this.layer.children]) dot.getAnimations().forEach((flight) => flight.cancel());
  }
}
