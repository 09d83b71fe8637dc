// HistoryView lists all that ever happened to a project, newest first, as the graph
// service keeps it, and shows the data of one event.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { query, setQuery } from "../../address.js";
import { get } from "../../api.js";
import { eventsOf } from "../../events.js";
import { useStableList } from "../../stablelist.js";
import { ago, exact, plural } from "../../text.js";
import { Filter, filterText } from "../../parts/filter.js";
import { Json } from "../../parts/json.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { DetailList } from "../../parts/split.js";
import { Copyable } from "../../parts/copy.js";

const most = 2000; // events that are held
const shownAtFirst = 300;

// useHistory reads on from where it is, at first and whenever something happens.
function useHistory(id) {
  const [items, setItems] = useState(null);
  const [problem, setProblem] = useState(null);
  const heard = eventsOf(id).length;
  useEffect(() => {
    let gone = false;
    const read = async (known) => {
      const after = known.at(-1)?.sequence ?? 0;
      const answer = await get(`/api/projects/${encodeURIComponent(id)}/events?limit=100&after=${after}`);
      if (gone) return;
      setProblem(answer.ok ? null : answer.problem);
      if (!answer.ok) return;
      const all = [...known, ...answer.body.items].slice(-most);
      setItems(all);
      if (answer.body.next) read(all);
    };
    read(items ?? []);
    return () => (gone = true);
  }, [id, heard]);
  return { items, problem };
}

export function HistoryView({ project }) {
  const { items, problem } = useHistory(project.id);
  const { held, top, bind } = useStableList();
  const [last, setLast] = useState(Infinity); // the newest that is shown while the list is held
  const [count, setCount] = useState(shownAtFirst);
  useEffect(() => setLast(held ? (items?.at(-1)?.sequence ?? Infinity) : Infinity), [held]);
  const text = filterText();
  if (problem && !items) return html`<${Failure} title="The history could not be read" problem=${problem} />`;
  if (!items) return html`<${Loading} what="the history" />`;
  const chosen = Number(query.value.get("event"));
  const found = items.filter((event) => !text || JSON.stringify(event).toLowerCase().includes(text)).reverse();
  const shown = found.filter((event) => event.sequence <= last);
  return html`
    <header class="page-head">
      <span class="muted">${plural(found.length, "event")}</span>
      ${shown.length < found.length && html`<button class="button" onClick=${() => (top(), setLast(Infinity))}>${found.length - shown.length} new</button>`}
      <span class="spring"></span><${Filter} label="Filter by type or content" />
    </header>
    ${!found.length && html`<${Empty} title=${text ? `No event matches “${text}”` : "Nothing has happened yet"}>The filter looks at types and data.<//>`}
    <ol class="history" ...${bind}>
      ${shown.slice(0, count).map((event) => html`<${Event} key=${event.sequence} event=${event} open=${event.sequence === chosen} />`)}
    </ol>
    ${shown.length > count && html`<button class="button more" onClick=${() => setCount(count + shownAtFirst)}>Show older</button>`}
  `;
}

const Event = ({ event, open }) => html`
  <li class="past">
    <button data-item class="past-head" aria-expanded=${open} onClick=${() => setQuery("event", open ? "" : String(event.sequence))}>
      <span class="muted past-number">${event.sequence}</span><span class="mono past-type">${event.type}</span>
      <span class="muted past-what">${whatOf(event)}</span><span class="muted" title=${exact(event.time)}>${ago(event.time)}</span>
    </button>
    ${open && html`<div class="past-data">
      <${DetailList} of=${[["Id", html`<${Copyable} text=${event.id} />`], ["At", exact(event.time)]]} />
      <${Json} value=${event.data} />
    </div>`}
  </li>
`;

// whatOf is the one thing that tells events of a type apart.
function whatOf({ data }) {
  const { step, error, url, version, name } = data ?? {};
  if (version) return `version ${version}`;
  return error || url || step || name || "";
}
