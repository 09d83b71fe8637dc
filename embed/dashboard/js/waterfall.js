// waterfall turns the spans of a trace into rows: each below what caused it, with
// its place on the trace's time. It is plain data in, plain data out.

// treeOf gives the spans that nothing known has caused, as {span, children} in the
// order of time.
export function treeOf(spans) {
  const known = new Set(spans.map((span) => span.spanId));
  const byParent = new Map();
  for (const span of spans) {
    const parent = known.has(span.parentId) ? span.parentId : "";
    if (!byParent.has(parent)) byParent.set(parent, []);
    byParent.get(parent).push(span);
  }
  const seen = new Set();
  const node = (span) => {
    if (seen.has(span.spanId)) return [];
    seen.add(span.spanId);
    return [{ span, children: sorted(byParent.get(span.spanId) ?? []).flatMap(node) }];
  };
  const roots = sorted(byParent.get("") ?? []).flatMap(node);
  return [...roots, ...sorted(spans).flatMap(node)]; // what names itself as its cause
}

// waterfallOf gives {rows, total}; total and all offsets are in milliseconds. shown
// says which spans have a row: what is below one without moves up.
export function waterfallOf(spans, shown = () => true) {
  const { start, total } = extentOf(spans);
  const rows = [];
  const add = ({ span, children }, depth, parent) => {
    const visible = shown(span);
    if (visible) rows.push(rowOf(span, depth, parent, start));
    for (const child of children) add(child, visible ? depth + 1 : depth, span);
  };
  for (const root of treeOf(spans)) add(root, 0);
  return { rows, total };
}

// extentOf gives a trace's start in microseconds and its length in milliseconds.
export function extentOf(spans) {
  let start = Infinity;
  let end = 0;
  for (const span of spans) {
    start = Math.min(start, micros(span.start));
    end = Math.max(end, micros(span.end));
  }
  return { start, total: Math.max(end - start, 1) / 1000 };
}

const sorted = (spans) => [...spans].sort((a, b) => micros(a.start) - micros(b.start));

// micros keeps what Date.parse drops: a span may take less than a millisecond.
export function micros(time) {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return Math.floor(Date.parse(time) / 1000) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

export const tookOf = (span) => (micros(span.end) - micros(span.start)) / 1000;

function rowOf(span, depth, parent, start) {
  const at = (micros(span.start) - start) / 1000;
  const waitedIn = parent ? waitOf(span, parent) : "";
  const from = waitedIn ? (micros(parent.kind === "client" ? parent.start : parent.end) - start) / 1000 : at;
  // A producer's span ends when the message is there, a request's begins with it.
  return { span, depth, hop: hopOf(span), at, took: tookOf(span), waitedIn, wait: Math.max(0, at - from) };
}

// waitOf is where a span's cause lay before it: "topic", "outbox" or nowhere.
function waitOf(span, parent) {
  if (hopOf(span) !== "kafka") return "";
  if (span.kind === "consumer") return "topic";
  return parent.attributes["messaging.operation.type"] === "create" && span.kind === "producer" ? "outbox" : "";
}

// hopOf is the kind of a span: http, kafka, sql, websocket, or "" for inner work.
export function hopOf({ kind, attributes }) {
  if (attributes["network.protocol.name"] === "websocket") return "websocket";
  if (attributes["db.system"] || attributes["db.system.name"]) return "sql";
  if (attributes["messaging.system"] || kind === "producer" || kind === "consumer") return "kafka";
  if (attributes["http.request.method"] || attributes["http.method"] || kind === "server") return "http";
  return "";
}

// messageOf is where the message of a span lies, or null.
export function messageOf({ attributes }) {
  const topic = attributes["messaging.destination.name"];
  const partition = attributes["messaging.destination.partition.id"];
  const offset = attributes["messaging.kafka.offset"] ?? attributes["messaging.kafka.message.offset"];
  return topic && partition !== undefined && offset !== undefined ? { topic, partition: String(partition), offset: String(offset) } : null;
}

// shortly gives "0.4 ms", "12 ms", "1.3 s".
export function shortly(ms) {
  if (ms < 10) return `${ms.toFixed(ms < 1 ? 2 : 1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
