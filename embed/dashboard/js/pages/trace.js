// One trace: its waterfall, with everything that a span says of itself, and what
// was logged meanwhile.
import { useEffect, useMemo, useState } from "preact/hooks";
import { html } from "../html.js";
import { go, hrefTo, query, setQuery } from "../address.js";
import { get } from "../api.js";
import { ago, exact, plural } from "../text.js";
import { hopOf, shortly, waterfallOf } from "../waterfall.js";
import { Copyable } from "../parts/copy.js";
import { Empty, Loading, Notice } from "../parts/notice.js";
import { Detail, DetailList } from "../parts/split.js";
import { Status } from "../parts/status.js";
import { Comparison } from "./comparison.js";
import { Inside, LogLines } from "./span.js";
import { percent, useTrace } from "./traceview.js";

const manyRows = 500; // that are shown at first

export function TracePage({ id, span }) {
  const { trace, problem } = useTrace(id);
  const other = query.value.get("with");
  if (problem) return html`<${Detail} page="flow" back="flow" title="Trace"><${Notice} tone="error" title="The trace could not be read">${problem}<//><//>`;
  if (!trace) return html`<${Detail} page="flow" back="flow" title=${id}><${Loading} what="trace" /><//>`;
  if (!trace.spans.length) {
    return html`<${Detail} page="flow" back="flow" title="Trace">
      <${Empty} title="This trace is not here">Traces are kept in memory only: it is older than the stack, made room for newer ones, or has not arrived. It will show up here if it does.<//>
      ${trace.logs.length > 0 && html`<h3 class="section-title">Logs</h3><${LogLines} lines=${trace.logs} />`}
    <//>`;
  }
  return html`
    <${Detail} page="flow" back="flow" title=${rootOf(trace).name}>
      <${Head} trace=${trace} other=${other} />
      ${other ? html`<${Comparison} first=${trace} second=${other} />` : html`<${Waterfall} trace=${trace} open=${span} />`}
    <//>
  `;
}

const rootOf = ({ spans }) => spans.find((span) => !span.parentId) ?? spans[0];

function Head({ trace, other }) {
  const { spans } = trace;
  const root = rootOf(trace);
  const { total } = useMemo(() => waterfallOf(spans), [spans]);
  const errors = spans.filter((span) => span.error).length;
  const router = spans.find((span) => span.attributes["traefik.router"])?.attributes["traefik.router"];
  const project = spans.find((span) => span.attributes["axion.project.id"])?.attributes["axion.project.id"];
  return html`
    <${DetailList} of=${[
      ["Trace", html`<${Copyable} text=${trace.traceId} />`],
      ["Began", html`<span title=${exact(root.start)}>${ago(root.start)}</span>, took ${shortly(total)}`],
      ["Spans", html`${plural(spans.length, "span")} in ${plural(new Set(spans.map((span) => span.service)).size, "part")}${errors > 0 && html`${" "}<${Status} of="error" word=${plural(errors, "error")} />`}`],
      ["Route", router && html`<a class="mono" href=${"/routes/" + encodeURIComponent(router)}>${router}</a>`],
      ["Project", project && html`<a class="mono" href=${"/projects/" + encodeURIComponent(project)}>${project}</a>`],
    ]} />
    <${Others} id=${trace.traceId} name=${root.name} other=${other} />
  `;
}

// Others offers the traces to compare with: those that begin alike.
function Others({ id, name, other }) {
  const [items, setItems] = useState([]);
  useEffect(() => {
    let gone = false;
    get("/api/traces?" + new URLSearchParams({ limit: 30, text: name })).then((answer) => !gone && answer.ok && setItems(answer.body.items));
    return () => (gone = true);
  }, [name]);
  const offered = items.filter((trace) => trace.traceId !== id && trace.root === name);
  if (!offered.length && !other) return null;
  return html`
    <label class="choice-filter compare-with">
      <span>Compare with</span>
      <select onChange=${(e) => setQuery("with", e.target.value)}>
        <option value="" selected=${!other}>${other ? "nothing" : "another run…"}</option>
        ${other && !offered.some((trace) => trace.traceId === other) && html`<option value=${other} selected>${other}</option>`}
        ${offered.map((trace) => html`<option key=${trace.traceId} value=${trace.traceId} selected=${trace.traceId === other}>${exact(trace.start)}, ${shortly(trace.durationMs)}${trace.errors ? ", failed" : ""}</option>`)}
      </select>
    </label>
  `;
}

function Waterfall({ trace, open }) {
  const statements = trace.spans.filter((span) => hopOf(span) === "sql");
  const withSQL = query.value.get("sql") === "true";
  const [all, showAll] = useState(false);
  const { rows, total } = useMemo(
    () => waterfallOf(trace.spans, (span) => withSQL || hopOf(span) !== "sql" || span.error || span.spanId === open),
    [trace.spans, withSQL, open],
  );
  const logs = useMemo(() => Map.groupBy(trace.logs, (line) => line.spanId ?? ""), [trace.logs]);
  const shown = all ? rows : rows.slice(0, manyRows);
  return html`
    <div class="legend">
      <span class="hop-http">HTTP</span><span class="hop-kafka">Kafka</span><span class="hop-websocket">WebSocket</span><span class="hop-sql">SQL</span>
      <span class="muted">thin line: waited in a topic or the outbox</span>
      <span class="spring"></span>
      ${statements.length > 0 && html`<label class="only"><input type="checkbox" checked=${withSQL} onChange=${(e) => setQuery("sql", e.target.checked ? "true" : "")} /> ${plural(statements.length, "SQL statement")}</label>`}
    </div>
    <ol class="waterfall">
      ${shown.map((row) => html`<${Row} key=${row.span.spanId} row=${row} total=${total} trace=${trace.traceId} open=${row.span.spanId === open} logs=${logs.get(row.span.spanId) ?? []} />`)}
    </ol>
    ${rows.length > shown.length && html`<button class="button more" onClick=${() => showAll(true)}>Show all ${plural(rows.length, "row")}</button>`}
    ${trace.logs.length > 0 && html`<h3 class="section-title">Logs <a class="section-more" href="/logs?trace=${trace.traceId}">in Logs</a></h3><${LogLines} lines=${trace.logs} />`}
  `;
}

const shortName = (service) => service.replace(/-service$/, "");

function Row({ row, total, trace, open, logs }) {
  const { span, wait } = row;
  const failed = logs.some((line) => line.level === "error");
  return html`
    <li class="span ${row.hop ? "is-" + row.hop : ""}" id=${"span-" + span.spanId}>
      <button class="span-head" aria-expanded=${open} onClick=${() => go(open ? hrefTo("flow", trace) : hrefTo("flow", trace, span.spanId))}>
        <span class="span-name" style=${{ paddingLeft: `${Math.min(row.depth, 12) * 10}px` }}>
          ${span.error && html`<${Status} of="error" word="" />`}<span class="mono" title=${span.name}>${span.name}</span>
          <span class="muted span-service">${shortName(span.service)}${span.instance && " " + span.instance}</span>
          ${logs.length > 0 && html`<span class="span-logs ${failed ? "error" : "muted"}">${plural(logs.length, "log")}</span>`}
        </span>
        <span class="span-track">
          ${wait > 0 && html`<span class="span-wait" style=${{ left: percent(row.at - wait, total), width: percent(wait, total) }}></span>`}
          <span class="span-bar" style=${{ left: percent(row.at, total), width: percent(row.took, total) }}></span>
        </span>
        <span class="span-took">${shortly(row.took)}</span>
      </button>
      ${open && html`<${Inside} row=${row} logs=${logs} />`}
    </li>
  `;
}
