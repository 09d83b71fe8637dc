// Edges is the map as a table: for phones, and for those who hear it.
import { html } from "../html.js";
import { millis, perSecond } from "../rate.js";
import { hrefOf } from "./map.js";
import { Status } from "./status.js";

const hops = { http: "HTTP", kafka: "Kafka", websocket: "WebSocket" };

export function Edges({ map, edges = map.edges }) {
  const nodes = Object.fromEntries(map.nodes.map((node) => [node.id, node]));
  edges = [...edges].sort((a, b) => b.rate - a.rate || b.total - a.total);
  return html`
    <table class="table edges">
      <caption class="visually-hidden">What flows between the parts, the busiest first</caption>
      <thead>
        <tr><th>From</th><th>To</th><th>By</th><th class="number">Rate</th><th class="number">Median</th><th class="number">Errors</th></tr>
      </thead>
      <tbody>
        ${edges.map(
          (edge) => html`
            <tr key=${edge.from + edge.to + edge.hop}>
              <td class="at-from"><a href=${hrefOf(nodes[edge.from])}>${nodes[edge.from].name}</a></td>
              <td class="at-to"><a href=${hrefOf(nodes[edge.to])}>${nodes[edge.to].name}</a></td>
              <td class="at-by hop-${edge.hop}">${hops[edge.hop]}</td>
              <td class="at-rate number">${edge.rate > 0 ? perSecond(edge.rate) : html`<span class="muted">idle</span>`}</td>
              <td class="at-median number muted">${edge.p50Ms === null ? "" : millis(edge.p50Ms)}</td>
              <td class="at-errors number">${edge.errors > 0 ? html`<${Status} of="error" word=${perSecond(edge.errors)} />` : ""}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
