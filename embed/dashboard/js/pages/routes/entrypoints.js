// Entry points are where clients connect.
import { html } from "../../html.js";
import { go, hrefTo } from "../../address.js";
import { useFetch } from "../../fetch.js";
import { routes } from "../../state.js";
import { plural } from "../../text.js";
import { Copyable } from "../../parts/copy.js";
import { filterText } from "../../parts/filter.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Header } from "./header.js";

const useEntries = () => useFetch("/api/entrypoints", { reloadKey: routes.value });
const usersOf = (entry) => (routes.value?.items ?? []).filter((route) => route.entryPoints.some((name) => entry.names.includes(name)));

export function EntryList({ chosen }) {
  const { answer, retry } = useEntries();
  const items = answer?.ok ? answer.body : [];
  const text = filterText();
  const shown = items.filter((e) => `${e.names.join(" ")} ${e.address}`.toLowerCase().includes(text));
  return html`
    <${Header} tab="entrypoints" count=${items.length > 0 && plural(shown.length, "entry point")} filter="Filter by name, address" />
    ${!answer && html`<${Loading} what="entry points" />`}
    ${answer && !answer.ok && html`<${Failure} title="The entry points could not be read" problem=${answer.problem} retry=${retry} />`}
    ${answer?.ok && !shown.length && html`<${Empty} title=${text ? `No entry point matches “${text}”` : "The gateway listens nowhere"}>A Traefik service in your compose file opens more, for example by <code class="block">--entrypoints.mail.address=:25</code><//>`}
    ${shown.length > 0 && html`
      <table class="table things choosable">
        <thead><tr><th>Entry point</th><th>Address</th><th>Routers</th></tr></thead>
        <tbody>
          ${shown.map(
            (e) => html`
              <tr key=${e.name} class=${e.name === chosen ? "chosen" : ""} onClick=${() => go(hrefTo("routes", "entrypoints", e.name))}>
                <td class="at-name"><a data-item href=${hrefTo("routes", "entrypoints", e.name)} aria-current=${e.name === chosen ? "true" : undefined}>${e.names.join(", ")}</a></td>
                <td class="mono">${e.address}</td>
                <td class="muted">${plural(usersOf(e).length, "router")}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    `}
  `;
}

export function EntryDetail({ name }) {
  const { answer } = useEntries();
  const entry = answer?.ok && answer.body.find((e) => e.names.includes(name));
  return html`
    <${Detail} page=${["routes", "entrypoints"]} back="entry points" title=${name}>
      ${!answer && html`<${Loading} what="entry point" />`}
      ${answer && !entry && html`<${Empty} title="There is no such entry point">Your compose file no longer opens it.<//>`}
      ${entry && html`
        <${DetailList} of=${[["Address", html`<${Copyable} text=${entry.address} />`], ["Names", entry.names.join(", ")]]} />
        <h3 class="section-title">${plural(usersOf(entry).length, "router")}</h3>
        <ul class="servers">${usersOf(entry).map((r) => html`<li key=${r.name}><a href=${hrefTo("routes", r.name)}>${r.name}</a><${Status} of=${r.status} /></li>`)}</ul>
      `}
    <//>
  `;
}
