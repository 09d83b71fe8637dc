// compare sets two traces side by side. It is plain data in, plain data out.
import { extentOf, hopOf, micros, tookOf, treeOf } from "./waterfall.js";

// compareOf gives {rows, total}: a row has the spans of the same name and place in
// both, or one of them alone, each as {span, at, took}.
export function compareOf(first, second) {
  const extents = [extentOf(first), extentOf(second)];
  const rows = [];
  const side = (node, i) => node && { span: node.span, at: (micros(node.span.start) - extents[i].start) / 1000, took: tookOf(node.span) };
  const align = (left, right, depth) => {
    const others = new Map(named(right));
    const add = (a, b) => {
      rows.push({ depth, hop: hopOf((a ?? b).span), first: side(a, 0), second: side(b, 1) });
      align(a?.children ?? [], b?.children ?? [], depth + 1);
    };
    for (const [name, node] of named(left)) {
      add(node, others.get(name));
      others.delete(name);
    }
    for (const node of others.values()) add(undefined, node);
  };
  align(treeOf(first), treeOf(second), 0);
  return { rows, total: Math.max(extents[0].total, extents[1].total) };
}

// named gives nodes by what they are called among their siblings: ids left out,
// and numbered where several are called the same.
function named(nodes) {
  const seen = new Map();
  return nodes.map((node) => {
    const name = `${node.span.service} ${node.span.name.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}/gi, "*")}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return [`${name} ${seen.get(name)}`, node];
  });
}
