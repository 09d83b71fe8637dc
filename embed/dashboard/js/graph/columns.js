// columns places the map's nodes in columns, in the order that dagre finds to cross
// the fewest edges. It is plain data in, plain data out.

const columns = { client: 0, gateway: 1, service: 2, peer: 2, topic: 3 };

export const nodeHeight = 46;
const gap = 12; // between nodes of a column

// widthsOf the columns: their share of a narrow map, up to what they need.
const widthsOf = (width) => [0.13, 0.14, 0.24, 0.28].map((share, i) => Math.round(Math.min(width * share, [124, 136, 224, 272][i])));

// layoutOf gives {width, height, places}, places by a node's id: {x, y, w, h}.
export function layoutOf(dagre, nodes, edges, width) {
  const widths = widthsOf(width);
  const free = (width - widths.reduce((sum, w) => sum + w, 0)) / (widths.length - 1);
  const left = widths.map((_, i) => Math.round(widths.slice(0, i).reduce((sum, w) => sum + w + free, 0)));
  const heights = heightsOf(dagre, nodes, edges);
  const places = new Map();
  for (const node of nodes) {
    const column = columns[node.kind];
    places.set(node.id, { x: left[column], y: heights.get(node.id), w: widths[column], h: nodeHeight });
  }
  const height = Math.max(nodeHeight, ...[...places.values()].map((place) => place.y + place.h));
  return { width, height, places };
}

// heightsOf are the nodes' upper edges. dagre sees each edge to lead to the right:
// what is consumed stands where it would if it were produced.
function heightsOf(dagre, nodes, edges) {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: "LR", nodesep: gap, ranksep: 60 });
  g.setDefaultEdgeLabel(() => ({}));
  const of = new Map(nodes.map((node) => [node.id, columns[node.kind]]));
  for (const node of nodes) g.setNode(node.id, { width: 100, height: nodeHeight });
  for (const { from, to } of edges) {
    const [a, b] = of.get(from) < of.get(to) ? [from, to] : [to, from];
    if (of.get(b) - of.get(a) === 1) g.setEdge(a, b, { weight: 2 });
  }
  // Each node stands in its column, whatever leads to it.
  const before = ["", "client", "gateway", nodes.find((node) => of.get(node.id) === 2)?.id ?? "gateway"];
  for (const node of nodes) {
    const column = of.get(node.id);
    if (column && !g.inEdges(node.id)?.length) g.setEdge(before[column], node.id, { weight: 0, minlen: before[column] === "gateway" ? column - 1 : 1 });
  }
  dagre.layout(g);
  // What leads nowhere, such as a site that was deployed, stands below the rest.
  const last = (node) => (node.kind === "service" && !edges.some(({ from, to }) => (from === node.id) !== (to === node.id) && from !== "gateway") ? 1e6 : 0);
  return spread(nodes, of, new Map(nodes.map((node) => [node.id, g.node(node.id).y + last(node)])));
}

// spread keeps the order that dagre found, and has each column stand close, its
// middle where the map's is.
function spread(nodes, of, middles) {
  const tops = new Map();
  const stacks = [0, 1, 2, 3].map((column) =>
    nodes.filter((node) => of.get(node.id) === column).sort((a, b) => middles.get(a.id) - middles.get(b.id)));
  const tall = (n) => n * (nodeHeight + gap) - gap;
  const height = Math.max(...stacks.map((stack) => tall(stack.length)), 3 * nodeHeight);
  for (const stack of stacks) {
    const room = stack.length > 1 ? Math.min((height - tall(stack.length)) / (stack.length - 1), gap) : 0;
    const top = (height - tall(stack.length) - room * Math.max(0, stack.length - 1)) / 2;
    stack.forEach((node, i) => tops.set(node.id, Math.round(top + i * (nodeHeight + gap + room))));
  }
  return tops;
}
