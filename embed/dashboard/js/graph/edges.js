// edges are the paths of edges, of the map and of a project's graph. They are plain data
// in, plain data out.
import { size } from "./layout.js";

// keyOf tells the map's edges apart.
export const keyOf = ({ from, to, hop }) => `${from}>${to}>${hop}`;

// curveOf is the path of an edge: out at the side that faces its end, a little below
// the middle where it leads back.
export function curveOf(from, to) {
  const back = to.x < from.x;
  const shift = back ? 8 : -8;
  const [x1, x2] = back ? [from.x, to.x + to.w] : [from.x + from.w, to.x];
  const y1 = from.y + from.h / 2 + shift;
  const y2 = to.y + to.h / 2 + shift;
  const bend = (x2 - x1) / 2;
  return { path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, points: [x1, y1, x2, y2] };
}

// overCurve is the path of an edge that passes a column between its ends, below what
// stands there.
export function overCurve(from, to, over) {
  const y1 = from.y + from.h / 2 + 8;
  const y2 = to.y + to.h / 2 + 12;
  const x2 = to.x + to.w;
  const low = over.y + over.h + 22;
  const [right, left] = [over.x + over.w + 20, over.x - 20];
  return {
    path: `M${from.x} ${y1}C${(from.x + right) / 2} ${y1} ${(from.x + right) / 2} ${low} ${right} ${low}L${left} ${low}C${(left + x2) / 2} ${low} ${(left + x2) / 2} ${y2} ${x2} ${y2}`,
    points: [left, low, right, low],
  };
}

// curve is the path of an edge of a project's graph: out of the side of a node that faces the other.
export function curve(from, to) {
  const forward = to.x + size.width / 2 >= from.x + size.width / 2;
  const start = { x: from.x + (forward ? size.width : 0), y: from.y + size.height / 2 };
  const end = { x: to.x + (forward ? 0 : size.width), y: to.y + size.height / 2 };
  const bend = Math.max(36, Math.abs(end.x - start.x) / 2) * (forward ? 1 : -1);
  return {
    d: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`,
    middle: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 },
  };
}
