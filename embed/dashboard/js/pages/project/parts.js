// Parts lists a graph's nodes and connections. Each is chosen here as in the
// drawing; the inspector above does the rest, by keyboard alone.
import { useMemo } from "preact/hooks";
import { html } from "../../html.js";
import { nameOf } from "../../architecture.js";
import { plural } from "../../text.js";
import { Status } from "../../parts/status.js";
import { hopOf, shapes } from "./canvas.js";

export function Parts(props) {
  const { graph, chosen, faults } = props;
  // Where nodes stand makes no difference here.
  const looks = graph.nodes.map((node) => `${node.id} ${node.type} ${nameOf(node)} ${faults[node.id]?.length ?? 0}`).join();
  return useMemo(() => html`<${Lists} ...${props} />`, [looks, graph.edges, chosen.node, chosen.edge]);
}

function Lists({ graph, chosen, faults, choose }) {
  const name = (id) => nameOf(graph.nodes.find((node) => node.id === id) ?? { id });
  return html`
    ${graph.nodes.length > 0 && html`
      <h2 class="section-title">${plural(graph.nodes.length, "node")}</h2>
      <ul class="parts-list">
        ${graph.nodes.map((node) => html`
          <li key=${node.id}>
            <button data-item data-id=${node.id} class="part" aria-pressed=${node.id === chosen.node} onClick=${() => choose({ node: node.id })}>
              <svg class="icon is-${node.type}" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d=${shapes[node.type] ?? shapes.service} /></svg>
              <span class="part-name">${nameOf(node)}</span>
              ${faults[node.id] && html`<${Status} of="error" word=${plural(faults[node.id].length, "mistake")} />`}
              <span class="muted">${node.type}</span>
            </button>
          </li>`)}
      </ul>`}
    ${graph.edges.length > 0 && html`
      <h2 class="section-title">${plural(graph.edges.length, "connection")}</h2>
      <ul class="parts-list">
        ${graph.edges.map((edge) => html`
          <li key=${edge.id}>
            <button data-item data-id=${edge.id} class="part" aria-pressed=${edge.id === chosen.edge} onClick=${() => choose({ edge: edge.id })}>
              <span class="part-name">${name(edge.from)} <span aria-label="to">→</span> ${name(edge.to)}</span>
              ${faults[edge.id] && html`<${Status} of="error" word="mistake" />`}
              <span class="hop-${hopOf(edge.type)}">${edge.type}</span>
            </button>
          </li>`)}
      </ul>`}
  `;
}
