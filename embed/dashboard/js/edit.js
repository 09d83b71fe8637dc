// edit changes graphs: each function gives a new one. It is plain data in, plain
// data out.
import { edgesBetween, nameOf, newEdge, newName, targetOf } from "./architecture.js";
import { free, moved } from "./graph/layout.js";

export function addNode(graph, type, at) {
  const id = newName(graph, type);
  const node = moved({ id, type, name: id }, free(at));
  return { graph: { ...graph, nodes: [...graph.nodes, node] }, id };
}

export const removeNode = ({ nodes, edges }, id) => ({
  nodes: nodes.filter((node) => node.id !== id),
  edges: edges.filter((edge) => edge.from !== id && edge.to !== id),
});

export const removeEdge = (graph, id) => ({ ...graph, edges: graph.edges.filter((edge) => edge.id !== id) });

// connect gives the graph with an edge, and the edge's id: that of the one that is
// there already where it is.
export function connect(graph, from, to, type) {
  const known = graph.edges.find((edge) => edge.from === from && edge.to === to && edge.type === type);
  const edge = known ?? newEdge(graph, from, to, type);
  return { graph: known ? graph : { ...graph, edges: [...graph.edges, edge] }, id: edge.id };
}

const replace = (list, id, change) => list.map((item) => (item.id === id ? { ...item, ...change } : item));

// setNode changes a node's fields; a new type drops the connections that no longer fit.
export function setNode(graph, id, change) {
  const nodes = replace(graph.nodes, id, change);
  if (!change.type) return { ...graph, nodes };
  const find = (wanted) => nodes.find((node) => node.id === wanted);
  const fits = (edge) => (edge.from !== id && edge.to !== id) || edgesBetween(find(edge.from), find(edge.to)).includes(edge.type);
  return { nodes, edges: graph.edges.filter(fits) };
}

export const setEdge = (graph, id, change) => ({ ...graph, edges: replace(graph.edges, id, change) });

// targetsOf are the nodes that one may be connected to: {value, text, to, type}.
export const targetsOf = (graph, node) =>
  graph.nodes.flatMap((other) =>
    edgesBetween(node, other)
      .filter((type) => !graph.edges.some((edge) => edge.from === node.id && edge.to === other.id && edge.type === type))
      .map((type) => ({ value: `${other.id} ${type}`, text: `${nameOf(other)} by ${type}`, to: other.id, type })),
  );

// faultsOf sorts findings by the id of what they are about, "" for the graph itself:
// {id: [{field, detail}]}.
export function faultsOf(graph, found) {
  const faults = {};
  for (const { pointer, detail } of found) {
    const { node, edge, field } = targetOf(graph, pointer);
    (faults[(node ?? edge)?.id ?? ""] ??= []).push({ field, detail });
  }
  return faults;
}
