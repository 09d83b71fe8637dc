// Flows is what flows between the parts: as a map where there is room, and as a
// table.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { useChannel } from "../live.js";
import { perSecond } from "../rate.js";
import { plural } from "../text.js";
import { Edges } from "./edges.js";
import { LiveMap } from "./map.js";
import { Loading, Notice } from "./notice.js";

const dotsASecond = 30; // about as many as are shown

export function Flows() {
  const [map, setMap] = useState(null);
  const [reason, setReason] = useState("");
  useChannel("map", {}, setMap, setReason);
  if (reason) return html`<${Notice} tone="warn" title="The map cannot be shown">${reason}<//>`;
  return html`
    <section class="flows" aria-label="Map">
      <header class="flows-head">
        <h2 class="section-title">Map</h2>
        <span class="muted">${map && saidOf(map)}</span>
        <span class="spring"></span>
        <span class="legend muted" aria-hidden="true"><span class="hop-http">HTTP</span><span class="hop-kafka">Kafka</span><span class="hop-websocket">WebSocket</span></span>
      </header>
      ${!map && html`<${Loading} what="the map" />`}
      ${map?.error && html`<${Notice} tone="warn" title="The map may be incomplete">${map.error}<//>`}
      ${map && html`
        <${LiveMap} map=${map} />
        <details class="edges-box"><summary>The same as a table: ${plural(map.edges.length, "connection")}</summary><${Edges} map=${map} /></details>
        <${Narrow} map=${map} />
      `}
    </section>
  `;
}

// Narrow is the table where there is no room for the map: what flows, then what does not.
function Narrow({ map }) {
  const busy = map.edges.filter((edge) => edge.rate > 0);
  const idle = map.edges.filter((edge) => !(edge.rate > 0));
  return html`
    <div class="edges-always">
      ${busy.length > 0 ? html`<${Edges} map=${map} edges=${busy} />` : html`<p class="muted">Nothing flows right now.</p>`}
      ${idle.length > 0 && html`<details class="edges-idle"><summary>${plural(idle.length, "idle connection")}</summary><${Edges} map=${map} edges=${idle} /></details>`}
    </div>
  `;
}

// saidOf tells over what time rates are, and that not everything is shown.
function saidOf(map) {
  if (map.windowSeconds === 0) return "measuring…";
  const said = [`over the last ${Math.round(Math.max(1, map.windowSeconds))} s`];
  const all = map.edges.reduce((sum, edge) => sum + edge.rate, 0);
  if (all > dotsASecond) said.push(`dots are a sample of ${perSecond(all).replace("/s", "")} hops a second`);
  if (map.left) said.push(`${plural(map.left, "part")} with less traffic left out`);
  return said.join(" · ");
}
