// Canvas draws a graph and lets it be changed by pointer: nodes are moved, and
// connected from the handle at their side. All of it can be done in the list too.
import { useMemo, useRef, useState } from "preact/hooks";
import { html } from "../../html.js";
import { nameOf } from "../../architecture.js";
import { curve } from "../../graph/edges.js";
import { size } from "../../graph/layout.js";
import { Icon } from "../../parts/icon.js";
import { plural } from "../../text.js";
import { useView } from "./view.js";

const step = 8; // px that an arrow key moves a node

// at holds the nodes' places, faults what is wrong by id, marks what differs by id.
// All of it comes into view when fitted changes. Without onMove and onConnect the
// graph is only looked at.
export function Canvas({ graph, at: settled, fitted, chosen, faults, marks = {}, onChoose, onMove, onConnect, onRemove }) {
  const ref = useRef();
  const view = useView(ref, settled, fitted);
  const [drag, setDrag] = useState(null);
  // A node that is dragged is moved here alone, until it is let go.
  const at = drag?.to ? { ...settled, [drag.id]: drag.to } : settled;
  const act = useRef();
  act.current = { onChoose, onRemove, onNudge: onMove && ((id, dx, dy) => onMove(id, { x: settled[id].x + dx, y: settled[id].y + dy }, `nudge:${id}`)) };
  const begin = (event) => {
    if (event.button !== 0) return;
    const of = (name) => event.target.closest?.(`[data-${name}]`)?.dataset[name];
    const [port, node, edge] = [of("port"), of("node"), of("edge")];
    const spot = view.spot(event);
    if (port && onConnect) setDrag({ kind: "connect", from: port, ...spot });
    else if (node) {
      onChoose({ node });
      if (onMove) setDrag({ kind: "move", id: node, dx: spot.x - at[node].x, dy: spot.y - at[node].y });
    } else if (edge) onChoose({ edge });
    else setDrag({ kind: "pan", x: event.clientX, y: event.clientY });
    if (!edge) ref.current.setPointerCapture(event.pointerId);
  };
  const follow = (event) => {
    if (!drag) return;
    const { x, y } = view.spot(event);
    if (drag.kind === "move") setDrag({ ...drag, to: { x: x - drag.dx, y: y - drag.dy } });
    if (drag.kind === "connect") setDrag({ ...drag, x, y, over: nodeUnder(event, drag.from) });
    if (drag.kind === "pan") {
      view.pan(event.clientX - drag.x, event.clientY - drag.y);
      setDrag({ ...drag, x: event.clientX, y: event.clientY, moved: true });
    }
  };
  const end = (event) => {
    if (drag?.kind === "move" && drag.to) onMove(drag.id, drag.to);
    if (drag?.kind === "connect") {
      const to = nodeUnder(event, drag.from);
      if (to) onConnect(drag.from, to);
    }
    if (drag?.kind === "pan" && !drag.moved) onChoose({});
    setDrag(null);
  };
  return html`
    <div class="canvas ${drag ? `is-${drag.kind}` : ""}">
      <svg ref=${ref} viewBox=${view.box} role="group" aria-label="Graph of ${plural(graph.nodes.length, "node")}; the list beside it can do the same"
        onPointerDown=${begin} onPointerMove=${follow} onPointerUp=${end} onPointerCancel=${() => setDrag(null)}>
        <${Arrows} />
        ${graph.edges.map((edge) => at[edge.from] && at[edge.to] && html`
          <${Edge} key=${edge.id} edge=${edge} from=${at[edge.from]} to=${at[edge.to]} chosen=${edge.id === chosen.edge} fault=${faults[edge.id]} mark=${marks[edge.id]} />`)}
        ${graph.nodes.map((node) => html`
          <${Node} key=${node.id} node=${node} at=${at[node.id]} chosen=${node.id === chosen.node} over=${drag?.over === node.id} fault=${Boolean(faults[node.id])} mark=${marks[node.id]} port=${Boolean(onConnect)} act=${act} />`)}
        ${drag?.kind === "connect" && html`<path class="edge-new" d=${curve(at[drag.from], { x: drag.x, y: drag.y - size.height / 2 }).d} />`}
      </svg>
      <div class="canvas-tools">
        <button class="icon-button" aria-label="Zoom in" title="Zoom in" onClick=${() => view.zoom(0.8)}><${Icon} name="plus" /></button>
        <button class="icon-button" aria-label="Zoom out" title="Zoom out" onClick=${() => view.zoom(1.25)}><${Icon} name="none" /></button>
        <button class="icon-button" aria-label="Show all" title="Show all" onClick=${view.fit}><${Icon} name="fit" /></button>
      </div>
    </div>
  `;
}

// nodeUnder is the node below the pointer, other than one: the pointer is captured,
// so that the event's own target does not tell.
function nodeUnder(event, other) {
  const id = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-node]")?.dataset.node;
  return id !== other ? id : undefined;
}

const hops = ["http", "kafka", "sql", "error", "accent"];
export const hopOf = (type) => ({ grpc: "http", database: "sql" })[type] ?? type;

const Arrows = () => html`
  <defs>
    ${hops.map((hop) => html`<marker key=${hop} id="arrow-${hop}" class="arrow-${hop}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .5 8 4 0 7.5z" /></marker>`)}
  </defs>
`;

// Edge and Node are drawn anew only where they look different: a graph may have
// hundreds of them, and a pointer moves often.
function Edge({ edge, from, to, chosen, fault, mark }) {
  return useMemo(() => {
    const { d, middle } = curve(from, to);
    return html`
      <g class="edge is-${edge.type} ${chosen ? "chosen" : ""} ${fault ? "wrong" : ""} ${mark ?? ""}" data-edge=${edge.id}>
        <path class="edge-reach" d=${d} />
        <path class="edge-line" d=${d} marker-end="url(#arrow-${fault ? "error" : hopOf(edge.type)})" />
        <text x=${middle.x} y=${middle.y - 5}>${fault ? "! " : ""}${signs[mark] ?? ""}${edge.type}</text>
      </g>
    `;
  }, [edge, from.x, from.y, to.x, to.y, chosen, Boolean(fault), mark]);
}

export const signs = { added: "+ ", removed: "− ", changed: "~ " };

function Node({ node, at, chosen, over, fault, mark, port, act }) {
  return useMemo(() => {
    const key = (event) => {
      const { onChoose, onNudge, onRemove } = act.current;
      const by = step * (event.shiftKey ? 4 : 1);
      const [dx, dy] = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key] ?? [];
      if (event.key === "Enter" || event.key === " ") onChoose({ node: node.id });
      else if (dx !== undefined && onNudge) onNudge(node.id, dx, dy);
      else if ((event.key === "Delete" || event.key === "Backspace") && onRemove) onRemove(node.id);
      else return;
      event.preventDefault();
    };
    return html`
      <g class="node is-${node.type} ${chosen ? "chosen" : ""} ${over ? "over" : ""} ${fault ? "wrong" : ""} ${mark ?? ""}" data-node=${node.id}
        transform="translate(${at.x} ${at.y})" tabindex="0" role="button" onKeyDown=${key}>
        <rect width=${size.width} height=${size.height} rx="6" />
        <svg class="icon" x="12" y="18" width="16" height="16" viewBox="0 0 16 16"><path d=${shapes[node.type] ?? shapes.service} /></svg>
        <text class="node-name" x="36" y="22">${signs[mark] ?? ""}${cut(nameOf(node))}</text>${" "}
        <text class="node-type" x="36" y="39">${fault ? "! " : ""}${node.type}</text>
        ${port && html`<circle class="port" data-port=${node.id} cx=${size.width} cy=${size.height / 2} r="7" />`}
      </g>
    `;
  }, [node, at.x, at.y, chosen, over, fault, mark, port]);
}

const cut = (text) => (text.length > 14 ? text.slice(0, 13) + "…" : text);

// shapes are the icons of the types of nodes, on a 16 px grid.
export const shapes = {
  service: "M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM5 5.5h.01M5 10.5h.01",
  database: "M3 4c0-1.2 2.2-2 5-2s5 .8 5 2-2.2 2-5 2-5-.8-5-2zM3 4v8c0 1.2 2.2 2 5 2s5-.8 5-2V4M3 8c0 1.2 2.2 2 5 2s5-.8 5-2",
  queue: "M2 4.5h12v7H2zM5.5 4.5v7M9 4.5v7",
  cache: "M8.8 1.8 3.5 9H8l-.8 5.2L12.5 7H8z",
  ingress: "M2 8h8M7 5l3 3-3 3M10.5 2.5h3v11h-3",
  logic: "M8 2.2 13.8 8 8 13.8 2.2 8z",
};
