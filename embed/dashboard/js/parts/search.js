// Search looks through the whole stack from the top strip: a combobox whose
// results are grouped by kind.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { go } from "../address.js";
import { get } from "../api.js";
import { pages } from "../pages.js";
import { plural } from "../text.js";
import { Icon } from "./icon.js";

const patience = 150; // ms without a key before the server is asked
const titles = { pages: "Pages", routes: "Routes", topics: "Topics", traces: "Traces", projects: "Projects", messages: "Messages" };

// pagesFor are found here: only the browser knows them.
function pagesFor(text) {
  const items = pages.filter((page) => page.title.toLowerCase().startsWith(text.toLowerCase())).map((page) => ({ title: page.title, url: page.path }));
  return items.length ? [{ kind: "pages", items }] : [];
}

// useResults asks the server for what is typed: {groups, problem, busy}.
function useResults(text) {
  const [results, setResults] = useState({ groups: [], problem: "", busy: false });
  useEffect(() => {
    if (!text) return setResults({ groups: [], problem: "", busy: false });
    let gone = false;
    setResults((before) => ({ ...before, busy: true }));
    const timer = setTimeout(async () => {
      const answer = await get("/api/search?q=" + encodeURIComponent(text));
      if (gone) return;
      const problem = answer.ok ? "" : (answer.problem.detail ?? answer.problem.title);
      setResults({ groups: [...pagesFor(text), ...(answer.ok ? answer.body.groups : [])], problem, busy: false });
    }, patience);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text]);
  return results;
}

export function Search() {
  const [typed, type] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const box = useRef();
  const text = typed.trim().slice(0, 100);
  const { groups, problem, busy } = useResults(text);
  const all = groups.flatMap((group) => group.items);
  useEffect(() => setAt(0), [groups]);
  useEffect(() => box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  const close = () => {
    setOpen(false);
    type("");
    box.current?.querySelector("input").blur();
  };
  const choose = (item) => {
    if (!item) return;
    close();
    go(item.url);
  };
  const key = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (all.length) setAt((at + step + all.length) % all.length);
    } else if (event.key === "Enter" && !busy) choose(all[at]);
    else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  };
  const shown = open && text !== "";
  let index = 0;
  return html`
    <div class="search" ref=${box} role="search" onFocusOut=${(e) => !box.current.contains(e.relatedTarget) && setOpen(false)}>
      <label class="search-field">
        <${Icon} name="search" />
        <input data-search type="text" role="combobox" aria-label="Search routes, topics, traces, projects and messages" placeholder="Search"
          aria-expanded=${shown ? "true" : "false"} aria-controls="search-results" aria-autocomplete="list"
          aria-activedescendant=${shown && all.length ? `hit-${at}` : undefined} autocomplete="off" spellcheck="false" maxlength="100"
          value=${typed} onInput=${(e) => (type(e.target.value), setOpen(true))} onFocus=${() => setOpen(true)} onKeyDown=${key} />
        <kbd>/</kbd>
      </label>
      <div class="search-results" id="search-results" role="listbox" aria-label="Results" hidden=${!shown}>
        ${groups.map((group) => html`
          <div key=${group.kind} role="group" aria-labelledby="hits-${group.kind}">
            <div class="search-kind" id="hits-${group.kind}">${titles[group.kind]}${group.more ? ": the first of more" : ""}</div>
            ${group.items.map((item) => html`<${Hit} key=${item.url} item=${item} index=${index} chosen=${index++ === at} choose=${choose} />`)}
            ${group.note && html`<p class="search-note muted">${group.note}</p>`}
          </div>
        `)}
      </div>
      ${shown && html`<p class="search-word ${all.length ? "visually-hidden" : ""}" role="status">${word({ busy, problem, all, text })}</p>`}
    </div>
  `;
}

function word({ busy, problem, all, text }) {
  if (problem) return `The search failed: ${problem}`;
  if (busy) return "Searching…";
  return all.length ? plural(all.length, "result") : `Nothing holds “${text}”`;
}

// The pointer goes down before the field loses its focus: it must keep it.
const Hit = ({ item, index, chosen, choose }) => html`
  <div class="search-hit" id="hit-${index}" role="option" aria-selected=${chosen ? "true" : "false"}
    onMouseDown=${(e) => e.preventDefault()} onClick=${() => choose(item)}>
    <span class="search-title">${item.title}</span>
    ${item.text && html`<span class="search-text muted">${item.text}</span>`}
  </div>
`;
