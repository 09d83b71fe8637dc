// The live map: what runs, in columns, and what flows between.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { useChannel } from "../live.js";
import { anybody } from "../services.js";
import { layoutOf } from "../graph/columns.js";
import { curveOf, keyOf, overCurve } from "../graph/edges.js";
import { HopAnimation } from "../graph/hopanimation.js";
import { labelsOf } from "../graph/labels.js";
import { loadOf, perSecond } from "../rate.js";
import { count } from "../text.js";
import { Icon } from "./icon.js";

const least = 640; // narrower than that the table is better

export function LiveMap({ map }) {
  const frame = useRef();
  const width = useWidth(frame);
  const dagre = useDagre();
  const drawn = width >= least && dagre;
  return html`
    <div class="map-frame" ref=${frame}>
      ${drawn && html`<${Drawing} map=${map} dagre=${dagre} width=${width} />`}
    </div>
  `;
}

// useDagre loads the layout's library once the map is wanted; null until then.
function useDagre() {
  const [dagre, setDagre] = useState(null);
  useEffect(() => {
    let gone = false;
    import("dagre").then((module) => !gone && setDagre(module.default ?? module));
    return () => (gone = true);
  }, []);
  return dagre;
}

function useWidth(ref) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const look = () => setWidth(Math.floor(ref.current.clientWidth));
    const watcher = new ResizeObserver(look);
    watcher.observe(ref.current);
    look();
    return () => watcher.disconnect();
  }, []);
  return width;
}

function Drawing({ map, dagre, width }) {
  // Nodes stay where they are until one comes or goes.
  const shape = map.nodes.map((node) => node.id).join("\n");
  const { places, height } = useMemo(() => layoutOf(dagre, map.nodes, map.edges, width), [dagre, shape, width]);
  const curves = useMemo(() => {
    const over = places.get("gateway");
    const curve = ({ from, to, hop }) => (hop === "websocket" ? overCurve : curveOf)(places.get(from), places.get(to), over);
    return Object.fromEntries(map.edges.map((edge) => [keyOf(edge), curve(edge)]));
  }, [places, map.edges.map(keyOf).join("\n")]);
  const [chosen, choose] = useState(null);
  const active = map.edges.filter((edge) => edge.rate > 0);
  return html`
    <div class="map" style=${{ height: `${height + 24}px` }}>
      <svg class="map-edges" width=${width} height=${height + 24} aria-hidden="true">
        <defs>${["http", "kafka", "websocket", "error"].map((hop) => html`
          <marker key=${hop} id="tip-${hop}" class="is-${hop}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0 6 3 0 6z" />
          </marker>`)}
        </defs>
        ${map.edges.map((edge) => html`<${Line} key=${keyOf(edge)} edge=${edge} curve=${curves[keyOf(edge)]} dim=${chosen && edge.from !== chosen && edge.to !== chosen} />`)}
        ${labelsOf(chosen ? active.filter((edge) => edge.from === chosen || edge.to === chosen) : active, curves, places, chosen).map(
          ({ key, x, y, text, failed, hop }) => html`<text key=${key} class="map-label is-${failed ? "error" : hop}" x=${x} y=${y}>${text}</text>`,
        )}
      </svg>
      ${map.nodes.map((node) => html`<${Node} key=${node.id} node=${node} place=${places.get(node.id)} choose=${choose} />`)}
      <${Flights} curves=${curves} />
    </div>
  `;
}

const Line = ({ edge, curve, dim }) => html`
  <path
    class="map-edge is-${edge.errors > 0 ? "error" : edge.hop} ${edge.rate > 0 ? "" : "idle"} ${dim ? "dim" : ""}"
    data-edge=${keyOf(edge)}
    d=${curve.path}
    stroke-width=${edge.rate > 0 ? Math.min(6, 1.5 + Math.log10(1 + edge.rate)) : 1.25}
    marker-end="url(#tip-${edge.errors > 0 ? "error" : edge.hop})"
  />
`;

const hrefs = {
  client: () => "/flow",
  gateway: () => "/routes",
  service: ({ name }) => "/services/" + encodeURIComponent(name),
  peer: ({ id, name }) => (id === anybody ? "/topics" : "/services/" + encodeURIComponent(name)),
  topic: ({ name }) => "/topics/" + encodeURIComponent(name),
};

// hrefOf is the page of a node.
export const hrefOf = (node) => hrefs[node.kind](node);

const icons = { healthy: "ok", starting: "wait", unhealthy: "error", absent: "none" };

function Node({ node, place, choose }) {
  const icon = icons[node.state];
  return html`
    <a
      class="map-node is-${node.kind} ${node.state ?? ""}"
      href=${hrefOf(node)}
      data-item
      style=${{ left: `${place.x}px`, top: `${place.y}px`, width: `${place.w}px`, height: `${place.h}px` }}
      title=${[node.name, node.detail].filter(Boolean).join("\n")}
      onMouseEnter=${() => choose(node.id)} onMouseLeave=${() => choose(null)}
      onFocus=${() => choose(node.id)} onBlur=${() => choose(null)}
    >
      <span class="map-node-name">${icon && html`<${Icon} name=${icon} size=${14} />`}<span>${node.name}</span><span class="visually-hidden">, ${node.kind === "peer" ? "Kafka client" : node.kind} ${node.state}</span></span>
      <span class="map-node-load">${node.errors > 0 && html`<span class="error"><${Icon} name="warning" size=${12} />${perSecond(node.errors)}<span class="visually-hidden"> failed, of </span></span>`}${wordsOf(node)}</span>
    </a>
  `;
}

// wordsOf is a node's second line.
function wordsOf(node) {
  const more = {
    topic: node.lag > 0 ? `${count(node.lag)} behind` : node.held === undefined ? "" : `${count(node.held)} held`,
    client: node.detail,
    service: node.instances > 1 ? `${node.instances} instances` : node.state === "healthy" || node.rate > 0 ? "" : node.state === "unknown" ? node.detail || "not watched" : (node.state ?? ""),
  }[node.kind];
  if (node.kind === "client" && more) return more; // the edge says the rest
  const load = loadOf(node.errors > 0 ? { ...node, p50Ms: null } : node); // there is room for one of them
  return [load, more].filter(Boolean).join(" · ") || (node.kind === "topic" ? "not counted" : "idle");
}

// Flights are the dots, on a layer of their own that nothing else draws on.
function Flights({ curves }) {
  const layer = useRef();
  const latest = useRef(curves);
  latest.current = curves;
  const animation = useRef(null);
  useEffect(() => {
    const element = layer.current; // the ref is empty before this effect is undone
    const line = (key) => element.parentElement?.querySelector(`[data-edge="${CSS.escape(key)}"]`);
    animation.current = new HopAnimation(element, (key) => latest.current[key]?.path, line);
    return () => {
      animation.current.clear();
      animation.current = null; // nothing flies where nothing is drawn
    };
  }, []);
  useEffect(() => () => animation.current?.clear(), [curves]);
  useChannel("hops", {}, ({ hops }) => animation.current?.play(hops));
  return html`<div class="flights" ref=${layer} aria-hidden="true"></div>`;
}
