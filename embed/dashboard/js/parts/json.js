// Json shows a value: folded, searched, copied, and always as text. Value is
// parsed, or a text that is taken apart where it is JSON. Branches are open down
// to the depth open. What is long is cut, and says how long it is.
import { useMemo, useState } from "preact/hooks";
import { html } from "../html.js";
import { branches, entriesOf, isBranch, nested, parse, search, written } from "../json.js";
import { bytes, count, plural } from "../text.js";
import { CopyButton } from "./copy.js";

const longText = 4096; // characters of a text that are shown at first
const longLeaf = 300; // and of a text in a tree
const manyItems = 100; // items of a branch
const deepest = 100; // levels of a tree: what is deeper is shown as it came

export function Json({ value, open = 2 }) {
  const parsed = useMemo(() => (typeof value === "string" ? parse(value) : value), [value]);
  const tree = useMemo(() => isBranch(parsed) && !nested(parsed, deepest), [parsed]);
  return tree ? html`<${Tree} value=${parsed} source=${value} open=${open} />` : html`<${Text} text=${typeof value === "string" ? value : written(value)} />`;
}

function Text({ text }) {
  const [whole, show] = useState(false);
  return html`
    <div class="json-box">
      <div class="json-tools"><${CopyButton} text=${text} what="value" /></div>
      <pre class="json-text" tabindex="0">${whole ? text : text.slice(0, longText)}</pre>
      ${!whole && text.length > longText && html`<button type="button" class="json-more" onClick=${() => show(true)}>… show all ${bytes(text.length)}</button>`}
    </div>
  `;
}

function Tree({ value, source, open }) {
  const [depth, setDepth] = useState(open);
  const [text, setText] = useState("");
  const found = useMemo(() => search(value, text), [value, text]);
  const folds = useMemo(() => branches(value) > 1, [value]);
  const copied = typeof source === "string" ? source : JSON.stringify(source, null, 2);
  return html`
    <div class="json-box">
      <div class="json-tools">
        ${folds && html`
          <input type="search" class="json-search" placeholder="Search" aria-label="Search in this value" spellcheck="false" value=${text} onInput=${(e) => setText(e.target.value)} />
          ${found && html`<span class="muted" role="status">${found.count ? plural(found.count, "match", "matches") : "no match"}</span>`}
          <button type="button" class="json-more" onClick=${() => setDepth(depth === Infinity ? 1 : Infinity)}>${depth === Infinity ? "fold" : "unfold"} all</button>
        `}
        <${CopyButton} text=${copied} what="value" />
      </div>
      <ul class="json-tree"><${Node} key=${depth} value=${value} path="" depth=${depth} found=${found} text=${text} last /></ul>
    </div>
  `;
}

// Node is one value in a tree, with its name there.
function Node({ name, value, path, depth, found, text, last }) {
  const [opened, setOpened] = useState(depth > 0);
  if (found && !found.paths.has(path)) return null;
  const label = name !== undefined && html`<span class="json-name"><${Marked} of=${typeof name === "number" ? String(name) : JSON.stringify(name)} text=${text} /></span>: `;
  if (!isBranch(value)) return html`<li>${label}<${Leaf} value=${value} text=${text} />${!last && ","}</li>`;
  const [left, right] = Array.isArray(value) ? "[]" : "{}";
  const entries = entriesOf(value);
  if (!entries.length) return html`<li>${label}${left}${right}${!last && ","}</li>`;
  const shown = opened || Boolean(found);
  return html`
    <li>
      <button type="button" class="json-fold" aria-expanded=${shown} aria-label="${shown ? "Fold" : "Unfold"} ${name ?? "the value"}" onClick=${() => setOpened(!opened)}></button
      >${label}${left}${shown
        ? html`<${Items} entries=${entries} path=${path} depth=${depth - 1} found=${found} text=${text} />${right}`
        : html`<button type="button" class="json-more" tabindex="-1" onClick=${() => setOpened(true)}>${Array.isArray(value) ? plural(entries.length, "item") : plural(entries.length, "field")}</button>${right}`}${!last && ","}
    </li>
  `;
}

function Items({ entries, path, depth, found, text }) {
  const [most, setMost] = useState(manyItems);
  const wanted = found ? entries.filter(([name]) => found.paths.has(`${path}/${name}`)) : entries;
  const left = wanted.length - most;
  return html`
    <ul>
      ${wanted.slice(0, most).map(
        ([name, value], i) => html`<${Node} key=${name} name=${name} value=${value} path=${`${path}/${name}`} depth=${depth} found=${found} text=${text} last=${i === wanted.length - 1} />`,
      )}
      ${left > 0 && html`<li><button type="button" class="json-more" onClick=${() => setMost(most + 10 * manyItems)}>… ${count(left)} more</button></li>`}
    </ul>
  `;
}

function Leaf({ value, text }) {
  const [whole, show] = useState(false);
  const all = written(value);
  const kind = typeof value === "string" ? "string" : value === null || typeof value === "boolean" ? "word" : "number";
  if (whole || all.length <= longLeaf) return html`<span class="json-${kind}"><${Marked} of=${all} text=${text} /></span>`;
  return html`<span class="json-${kind}"><${Marked} of=${all.slice(0, longLeaf)} text=${text} /></span><button type="button" class="json-more" onClick=${() => show(true)}>… show all ${bytes(all.length)}</button>`;
}

// Marked sets off where a text is in another.
function Marked({ of, text }) {
  if (!text) return of;
  const pieces = [];
  const low = of.toLowerCase();
  const wanted = text.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    pieces.push(of.slice(from, at), html`<mark>${of.slice(at, at + wanted.length)}</mark>`);
    from = at + wanted.length;
  }
  return [...pieces, of.slice(from)];
}
