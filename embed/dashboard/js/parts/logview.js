// LogView is a live log with its filters, which stand in the address. Fixed are those of
// the place where it is, {service}. With console it looks as a terminal does.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { go, hrefTo, query, setQuery } from "../address.js";
import { most, useLogLines } from "../loglines.js";
import { plainOf } from "../ansi.js";
import { count, exact, plural } from "../text.js";
import { Ansi } from "./ansi.js";
import { CopyButton } from "./copy.js";
import { Icon } from "./icon.js";
import { LogList } from "./loglist.js";
import { Empty, Loading, Notice } from "./notice.js";
import { Status } from "./status.js";

const levels = ["debug", "info", "warn", "error"];
const names = ["service", "level", "text", "field", "trace"];

// askedFor is what the address asks for, as the query of /api/logs.
const askedFor = (fixed) => Object.fromEntries(names.map((name) => [name, fixed[name] ?? query.value.get(name) ?? ""]).filter(([, value]) => value));

export function LogView({ fixed = {}, console = false, known = [], empty, detail }) {
  const [paused, pause] = useState(false);
  const asked = askedFor(fixed);
  const { lines, waiting, leftOut, stats, services, problem } = useLogLines(asked, paused);
  const filtered = names.some((name) => asked[name] && !fixed[name]);
  const all = [...new Set([...known, ...services, asked.service])].filter(Boolean).sort();
  const Row = console ? ConsoleLine : Line;
  return html`
    <div class="log-box ${console ? "console" : ""}">
      <div class="log-filters">
        ${!fixed.service && html`<${Choice} name="service" label="Service" any="all" options=${all} />`}
        <${Choice} name="level" label="From level" any="any" options=${levels.slice(1)} />
        <input class="log-search" type="search" data-filter aria-label="Search in logs" placeholder="Search" spellcheck="false" value=${query.value.get("text") ?? ""} onInput=${(e) => setQuery("text", e.target.value)} />
        ${!console && html`<input class="log-search mono log-field" type="search" aria-label="Field, as name=value" placeholder="field=value" spellcheck="false" value=${query.value.get("field") ?? ""} onInput=${(e) => setQuery("field", e.target.value)} />`}
        ${asked.trace && html`<button type="button" class="button fresh" onClick=${() => setQuery("trace", "")} title="Show lines of all traces">trace ${asked.trace.slice(0, 8)} <${Icon} name="close" size=${12} /></button>`}
        <span class="log-tools">
          <button type="button" class="button fresh" aria-pressed=${paused} onClick=${() => pause(!paused)}>${paused ? `Resume${waiting ? `, ${count(waiting)} new` : ""}` : "Pause"}</button>
          <${CopyButton} text=${() => (lines ?? []).map(textOf).join("\n")} what="all lines" />
          <${Download} asked=${asked} />
        </span>
      </div>
      ${problem && html`<${Notice} tone="error" title="Logs are not live">${problem}<//>`}
      ${!lines && !problem && html`<${Loading} what="logs" />`}
      ${lines?.length === 0 && (filtered ? html`<${Empty} title="No line matches">The search looks at messages, services, trace ids and attributes; a field is an attribute's name, or <code>name=value</code>.<//>` : empty)}
      ${lines?.length > 0 && html`
        <${LogList} label=${console ? `Output of ${fixed.service}` : "Log lines"} lines=${lines} height=${console ? 20 : 28} narrow=${console ? 20 : 52}
          row=${(line) => html`<${Row} key=${line.seq} of=${line} chosen=${detail === String(line.seq)} named=${!fixed.service} />`} />
        <p class="muted kept log-kept">${keptWords(lines, leftOut, stats)}${console && html` <a href="/logs?service=${encodeURIComponent(fixed.service)}">In Logs</a>`}</p>
      `}
    </div>
  `;
}

function keptWords(lines, leftOut, stats) {
  const older = lines.length >= most || leftOut ? `the newest ${plural(lines.length, "line")}${leftOut ? ` of ${count(leftOut + lines.length)}; the file has all` : ""}` : plural(lines.length, "line");
  return `${older[0].toUpperCase()}${older.slice(1)}. Kept in memory, until the stack stops${stats?.dropped ? `: ${plural(stats.dropped, "line")} made room for newer ones` : ""}.`;
}

const textOf = (line) => `${line.time} ${line.level.padEnd(5)} ${line.service} ${plainOf(line.message)}`;

const Choice = ({ name, label, options, any }) => html`
  <label class="choice-filter"><span>${label}</span>
    <select value=${query.value.get(name) ?? ""} onChange=${(e) => setQuery(name, e.target.value)}>
      <option value="">${any}</option>
      ${options.map((value) => html`<option key=${value} value=${value} selected=${query.value.get(name) === value}>${value}</option>`)}
    </select>
  </label>
`;

// Download are links to all lines that match, also those that the page has no room for.
const Download = ({ asked }) => html`
  <span class="downloads"><${Icon} name="download" size=${14} /><span class="visually-hidden">Download as</span>
    <a download href="/api/logs/file?${new URLSearchParams({ ...asked, format: "text" })}">text</a>
    <a download href="/api/logs/file?${new URLSearchParams({ ...asked, format: "json" })}" title="JSON lines">JSON</a>
  </span>
`;

export const tones = { error: "error", warn: "warning", info: "info", debug: "none" };

export const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// Line is a line of any service: its parts, and what it says of itself.
function Line({ of, chosen, named }) {
  const href = hrefTo("logs", String(of.seq));
  const attributes = Object.entries(of.attributes ?? {}).filter(([name]) => name !== "stream");
  const open = (e) => e.target.closest("a") || String(getSelection()) || go(href);
  return html`
    <div class="log-line ${chosen ? "chosen" : ""} is-${of.level}" onClick=${named && open}>
      <time class="muted" title=${exact(of.time)}>${exact(of.time).slice(11)}</time>
      <span class="log-level"><${Status} of=${tones[of.level] ?? "none"} word=${of.level} /></span>
      ${named && html`<a class="log-service muted" href="/services/${encodeURIComponent(of.service)}">${of.service}</a>`}
      <span class="log-message mono">${named ? html`<a data-item href=${href} aria-current=${chosen ? "true" : undefined}><${Ansi} text=${of.message} /></a>` : html`<${Ansi} text=${of.message} />`}
        ${attributes.map(([name, value]) => html` <span key=${name} class="muted log-attribute">${name}=${written(value).slice(0, 200)}</span>`)}
      </span>
      ${of.traceId && html`<a class="log-trace" href="/flow/${of.traceId}${of.spanId ? "/" + of.spanId : ""}">trace</a>`}
    </div>
  `;
}

// ConsoleLine is a line as the process wrote it. axion's own lines about the service
// stand between them, and say so.
function ConsoleLine({ of }) {
  const { stream } = of.attributes ?? {};
  const from = stream === "stderr" ? "err" : stream ? "" : of.level;
  return html`
    <div class="console-line ${stream ? "" : `is-${of.level}`}">
      <time class="muted" title=${exact(of.time)}>${exact(of.time).slice(11, 19)}</time>
      <span class="console-from muted" title=${stream ?? "axion, or sent by OTLP"}>${from}</span>
      <span class="console-text"><${Ansi} text=${of.message} />${!stream && html`<span class="muted"> ${Object.entries(of.attributes ?? {}).map(([name, value]) => `${name}=${written(value)}`).join(" ").slice(0, 2000)}</span>`}</span>
      ${of.traceId && html` <a href="/flow/${of.traceId}">trace</a>`}
    </div>
  `;
}
