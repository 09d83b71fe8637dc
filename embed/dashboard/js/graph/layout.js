// layout finds places for the nodes of a graph. A place that was chosen is kept in
// the node's config, as position, so that it is a part of the graph's versions.
import { configOf } from "../architecture.js";

export const size = { width: 148, height: 52 };
const gap = 32;

export function placeOf(node) {
  const { x, y } = configOf(node).position ?? {};
  return Number.isFinite(x) && Number.isFinite(y) ? { x, y } : null;
}

export const moved = (node, { x, y }) => ({ ...node, config: { ...configOf(node), position: { x: Math.round(x), y: Math.round(y) } } });

// arrange places every node anew, in the direction of the edges. The layouter is
// fetched when it is first needed.
export async function arrange(graph) {
  const { Graph, layout } = await import("dagre");
  const g = new Graph({ multigraph: true });
  // The best ranks take seconds to find in large graphs.
  g.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 64, ranker: graph.edges.length > 200 ? "tight-tree" : "network-simplex" });
  g.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) g.setNode(node.id, { ...size });
  for (const edge of graph.edges) if (g.hasNode(edge.from) && g.hasNode(edge.to)) g.setEdge(edge.from, edge.to, {}, edge.id);
  layout(g);
  return Object.fromEntries(g.nodes().map((id) => [id, { x: g.node(id).x - size.width / 2, y: g.node(id).y - size.height / 2 }]));
}

// places gives each node one: its own, that of found, or a free one.
export function places(nodes, found = {}) {
  const known = {};
  for (const node of nodes) {
    const at = placeOf(node) ?? found[node.id];
    if (at) known[node.id] = at;
  }
  for (const node of nodes) known[node.id] ??= free(known);
  return known;
}

// free is the first place of a grid that no node covers.
export function free(known) {
  const taken = Object.values(known);
  for (let n = 0; ; n++) {
    const at = { x: (n % 4) * (size.width + gap), y: Math.floor(n / 4) * (size.height + gap) };
    if (!taken.some((other) => Math.abs(other.x - at.x) < size.width + 8 && Math.abs(other.y - at.y) < size.height + 8)) return at;
  }
}

// frameOf is what holds all places, with room around: {x, y, width, height}.
export function frameOf(known) {
  const all = Object.values(known);
  if (!all.length) return { x: 0, y: 0, width: 640, height: 400 };
  const x = Math.min(...all.map((at) => at.x)) - gap;
  const y = Math.min(...all.map((at) => at.y)) - gap;
  return {
    x,
    y,
    width: Math.max(...all.map((at) => at.x)) + size.width + gap - x,
    height: Math.max(...all.map((at) => at.y)) + size.height + gap - y,
  };
}
