// architecture is what an architecture graph may hold: the kinds of nodes and
// edges, what is wrong with a graph, and how two of them differ. It is plain data
// in, plain data out. A graph is {nodes, edges}, as the graph service has it.

// nodeTypes in the order in which they are offered: what each is for.
export const nodeTypes = {
  service: "Answers requests: a program of its own",
  database: "Keeps data",
  queue: "Carries messages between services",
  cache: "Keeps data for a while",
  ingress: "Lets clients in from outside",
  logic: "Works on messages and calls, without data of its own",
};

export const edgeTypes = ["http", "grpc", "kafka", "database"];

const programs = ["service", "logic"];
const callers = [...programs, "ingress"];

// fits are the types of nodes that each type of edge may join, from and to.
const fits = {
  http: [[callers, programs]],
  grpc: [[callers, programs]],
  kafka: [[programs, ["queue"]], [["queue"], programs]],
  database: [[programs, ["database", "cache"]]],
};

export const edgeHints = {
  http: "An http edge leads from an ingress, a service or a logic to a service or a logic.",
  grpc: "A grpc edge leads from an ingress, a service or a logic to a service or a logic.",
  kafka: "A kafka edge joins a service or a logic with a queue.",
  database: "A database edge leads from a service or a logic to a database or a cache.",
};

// edgesBetween gives the types of edges that may lead from a node to another.
export const edgesBetween = (from, to) =>
  from.id === to.id ? [] : edgeTypes.filter((type) => fits[type].some(([a, b]) => a.includes(from.type) && b.includes(to.type)));

export const nameOf = (node) => node.name || node.id;
export const configOf = (node) => (node.config && typeof node.config === "object" && !Array.isArray(node.config) ? node.config : {});

const idForm = /^[A-Za-z0-9_.:-]{1,64}$/;
const labelForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const notLabel = "Use 1 to 63 of a to z, 0 to 9 and “-”, which is neither first nor last.";

// checkGraph tells what the graph service would refuse, by its own rules:
// [{pointer, detail}], each at its JSON Pointer.
export function checkGraph({ nodes, edges }) {
  const found = [];
  const add = (pointer, detail) => found.push({ pointer, detail });
  if (nodes.length > 200) add("/nodes", "A graph has at most 200 nodes.");
  if (edges.length > 1000) add("/edges", "A graph has at most 1000 edges.");
  nodes.forEach((node, i) => checkNode(node, nodes.slice(0, i), (field, detail) => add(`/nodes/${i}/${field}`, detail)));
  edges.forEach((edge, i) => {
    const from = nodes.find((node) => node.id === edge.from);
    const to = nodes.find((node) => node.id === edge.to);
    if (!from || !to) add(`/edges/${i}/${from ? "to" : "from"}`, `There is no node ${from ? edge.to : edge.from}.`);
    else if (!edgesBetween(from, to).includes(edge.type)) add(`/edges/${i}/type`, edgeHints[edge.type] ?? "There is no such type of edge.");
  });
  return found;
}

function checkNode(node, before, add) {
  const name = nameOf(node);
  if (!idForm.test(node.id)) add("id", "An id is 1 to 64 letters, digits, “_”, “.”, “:” or “-”.");
  if (!labelForm.test(name)) add(node.name ? "name" : "id", notLabel);
  else if (before.some((other) => nameOf(other) === name)) add("name", `Another node is called ${name} already.`);
  const port = node.port ?? 0;
  if (!Number.isInteger(port) || port < 0 || port > 65535) add("port", "A port is from 1 to 65535.");
  const same = port && before.find((other) => other.port === port);
  if (same) add("port", `${nameOf(same)} has this port already.`);
  if (node.host && !(node.host.length <= 253 && node.host.split(".").every((label) => labelForm.test(label)))) {
    add("host", "This is no host name in lower case, such as shop.example.com.");
  }
}

// targetOf gives the node or edge that a pointer names: {node, field}, {edge, field}
// or {} for the graph as a whole. root is the pointer to the graph itself.
export function targetOf(graph, pointer = "") {
  const [, list, index, field = ""] = /^\/(nodes|edges)\/(\d+)(?:\/([^/]+))?/.exec(pointer) ?? [];
  if (!list) return {};
  const target = graph[list][Number(index)];
  return target ? { [list === "nodes" ? "node" : "edge"]: target, field } : {};
}

// newName gives a name that no node has: "service", "service-2".
export function newName(graph, type) {
  const taken = new Set(graph.nodes.flatMap((node) => [node.id, nameOf(node)]));
  for (let n = 1; ; n++) {
    const name = n === 1 ? type : `${type}-${n}`;
    if (!taken.has(name)) return name;
  }
}

export function newEdge(graph, from, to, type) {
  const stem = `${from}-${to}-${type}`.slice(0, 60);
  const taken = new Set(graph.edges.map((edge) => edge.id));
  let id = stem;
  for (let n = 2; taken.has(id); n++) id = `${stem}-${n}`;
  return { id, from, to, type };
}

// compare tells how after differs from before: {added, removed, changed}, lists of
// {kind, id, what, fields}. That nodes were moved counts only where moves is true.
export function compare(before, after, moves = false) {
  const found = { added: [], removed: [], changed: [] };
  for (const kind of ["nodes", "edges"]) {
    const was = new Map(before[kind].map((item) => [item.id, item]));
    const is = new Map(after[kind].map((item) => [item.id, item]));
    const say = (item, fields = []) => ({ kind, id: item.id, what: sayOf(kind, item, kind === "nodes" ? [] : [...before.nodes, ...after.nodes]), fields });
    for (const item of is.values()) if (!was.has(item.id)) found.added.push(say(item));
    for (const item of was.values()) {
      if (!is.has(item.id)) found.removed.push(say(item));
      const fields = is.has(item.id) ? fieldsOf(item, is.get(item.id), moves) : [];
      if (fields.length) found.changed.push(say(is.get(item.id), fields));
    }
  }
  return found;
}

function sayOf(kind, item, nodes) {
  if (kind === "nodes") return `${item.type} ${nameOf(item)}`;
  const name = (id) => nameOf(nodes.findLast((node) => node.id === id) ?? { id });
  return `${name(item.from)} → ${name(item.to)} (${item.type})`;
}

function fieldsOf(was, is, moves) {
  const parts = ({ config, ...rest }) => {
    const { position, ...others } = configOf({ config });
    return { ...rest, config: others, ...(moves && { position }) };
  };
  const [a, b] = [parts(was), parts(is)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => written(a[name]) !== written(b[name]));
}

// written is the same for values that are: the service leaves empty fields out.
const written = (value) => JSON.stringify(value || undefined, (_, v) => (v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v)) ?? "";

export const countOf = ({ added, removed, changed }) => added.length + removed.length + changed.length;
