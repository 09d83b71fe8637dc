// labels places the labels of the map's edges.
import { loadOf, perSecond } from "../rate.js";
import { keyOf } from "./edges.js";

const wide = 6.2; // pixels of a letter, about
const tall = 14;

const apart = 10; // between two labels

const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

// labelsOf gives [{key, x, y, text, failed, hop}]: the busiest edges first, each on
// its curve where nothing is yet; errors always.
export function labelsOf(edges, curves, places) {
  const taken = [...places.values()];
  const labels = [];
  for (const edge of [...edges].sort((a, b) => b.errors - a.errors || b.rate - a.rate)) {
    const key = keyOf(edge);
    const failed = edge.errors > 0;
    const text = failed ? `⚠ ${perSecond(edge.errors)} failed of ${perSecond(edge.rate)}` : loadOf(edge);
    const boxes = [0.5, 0.35, 0.65, 0.25, 0.75].map((t) => boxAt(curves[key].points, t, text));
    const box = boxes.find((b) => !taken.some((other) => overlap(b, other))) ?? (failed ? boxes[0] : null);
    if (!box) continue;
    taken.push({ x: box.x - apart, y: box.y - apart, w: box.w + 2 * apart, h: box.h + 2 * apart });
    labels.push({ key, x: box.x + box.w / 2, y: box.y + tall - 3, text, failed, hop: edge.hop });
  }
  return labels;
}

// boxAt is the label's box at a point of a curve that bends in its middle: on it where
// it is steep, above where a line would strike the words through.
function boxAt([x1, y1, x2, y2], t, text) {
  const b = (p, q, r, s) => (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t ** 2 * r + t ** 3 * s;
  const half = (x1 + x2) / 2;
  const w = text.length * wide;
  const lift = Math.abs(y2 - y1) < 40 ? tall / 2 + 3 : 0;
  return { x: b(x1, half, half, x2) - w / 2, y: b(y1, y1, y2, y2) - tall / 2 - lift, w, h: tall };
}
