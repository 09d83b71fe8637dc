// Service is what a service of the gateway does: its servers with their health, or
// the services it is made of; and how it chooses among them.
import { html } from "../../html.js";
import { hrefTo } from "../../address.js";
import { plural } from "../../text.js";
import { Json } from "../../parts/json.js";
import { DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { withProvider } from "./resources.js";

const strategies = { wrr: "weighted round robin", p2c: "the less busy of two", hrw: "by the client's address", leasttime: "least response time" };

export function Service({ protocol, resource, field, settings }) {
  const servers = settings.servers ?? [];
  const parts = settings.services ?? settings.mirrors ?? [];
  const known = new Set(servers.map((s) => s.url ?? s.address));
  const more = Object.keys(resource.serverStatus ?? {}).filter((url) => !known.has(url)).map((url) => ({ url }));
  const total = [...servers, ...parts].reduce((sum, s) => sum + (s.weight ?? 1), 0);
  const link = (name) => html`<a href=${hrefTo("routes", "services", protocol, withProvider(name, resource.name))}>${name}</a>`;
  return html`
    <${DetailList} of=${[
      ["Strategy", field === "loadBalancer" && protocol === "http" ? (strategies[settings.strategy] ?? settings.strategy ?? strategies.wrr) : field === "weighted" ? strategies.wrr : undefined],
      ["Sticky", sticky(settings.sticky)],
      ["Health check", settings.healthCheck && checked(settings.healthCheck)],
      ["Host header", settings.passHostHeader === false ? "the server's" : field === "loadBalancer" && protocol === "http" ? "the client's" : undefined],
      ["Transport", settings.serversTransport],
      ["Mirrors", settings.service && settings.mirrors && html`${link(settings.service)} answers`],
      ["Falls back", settings.fallback && html`from ${link(settings.service)} to ${link(settings.fallback)}`],
    ]} />
    ${field === "loadBalancer" && html`
      <h3 class="section-title">${plural(servers.length + more.length, "server")}</h3>
      ${!servers.length && !more.length && html`<p class="muted">Nothing answers for this service.</p>`}
      <ul class="servers">${[...servers, ...more].map((s) => html`<${Server} key=${s.url ?? s.address} of=${s} states=${resource.serverStatus} total=${total} several=${servers.length > 1} />`)}</ul>
    `}
    ${parts.length > 0 && html`
      <h3 class="section-title">${plural(parts.length, "service")}</h3>
      <ul class="servers">${parts.map((p) => html`<li key=${p.name}>${link(p.name)}<span class="muted">${p.percent !== undefined ? `${p.percent} %` : share(p.weight, total)}</span></li>`)}</ul>
    `}
    <h3 class="section-title">Settings</h3>
    <${Json} value=${settings} open=${1} />
  `;
}

const Server = ({ of, states = {}, total, several }) => {
  const url = of.url ?? of.address;
  return html`<li><span class="mono">${url}</span><span class="server-state">${several && html`<span class="muted">${share(of.weight, total)}</span>`}<${Status} of=${states[url] ?? "none"} word=${states[url] ? undefined : "not watched"} /></span></li>`;
};

// share is a weight, and what it comes to.
const share = (weight = 1, total) => `weight ${weight} · ${Math.round((100 * weight) / (total || 1))} %`;

const sticky = (s) => s && (s.cookie ? html`by cookie ${s.cookie.name ? html`<span class="mono">${s.cookie.name}</span>` : "of a derived name"}${flags(s.cookie)}` : "yes");

const flags = (cookie) => ["secure", "httpOnly"].filter((f) => cookie[f]).map((f) => `, ${f}`).join("");

const checked = (c) => html`<span class="mono">${c.method ?? "GET"} ${c.path ?? "/"}</span>${c.interval && ` every ${seconds(c.interval)}`}${c.timeout && `, for ${seconds(c.timeout)} at most`}`;

const seconds = (value) => (typeof value === "number" ? `${value / 1e9} s` : value);
