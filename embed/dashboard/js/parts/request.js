// Request sends one through the gateway, and shows what came back.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { post } from "../api.js";
import { bytes, plural } from "../text.js";
import { shortly } from "../waterfall.js";
import { Copyable } from "./copy.js";
import { Json } from "./json.js";
import { Failure } from "./notice.js";
import { Status } from "./status.js";

// headersOf reads "Name: value" lines: {headers, wrong}, where wrong is the first
// line that is none.
export function headersOf(text) {
  const headers = {};
  let wrong = "";
  for (const line of text.split("\n").filter((l) => l.trim())) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*)$/.exec(line.trim()) ?? [];
    if (name) headers[name] = value;
    else wrong ||= line;
  }
  return { headers, wrong };
}

// useRequest gives {state, send}: state is null, "sending" or the API's answer.
export function useRequest() {
  const [state, setState] = useState(null);
  const send = async (request) => {
    setState("sending");
    setState(await post("/api/requests", request));
  };
  return { state, send, clear: () => setState(null) };
}

// submitOnCtrlEnter is for a form's onKeyDown.
export function submitOnCtrlEnter(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}

const tone = (status) => (status >= 500 ? "error" : status >= 400 ? "warning" : "UP");

export function Answer({ of }) {
  if (of === null) return null;
  if (of === "sending") return html`<p class="muted" role="status">Sending…</p>`;
  if (!of.ok) return html`<${Failure} title="It was not sent, or nothing answered" problem=${of.problem} />`;
  const a = of.body;
  const headers = Object.entries(a.headers).flatMap(([name, values]) => values.map((value) => [name, value]));
  return html`
    <section class="answer" aria-label="Answer" aria-live="polite">
      <div class="answer-head">
        <${Status} of=${tone(a.status)} word=${`${a.status} ${reasons[a.status] ?? ""}`} />
        <span class="muted" title="to the first byte: ${shortly(a.firstMs)}">${shortly(a.ms)}</span>
        <span class="muted">${bytes(a.bytes)}</span>
        <span class="muted">${a.protocol}</span>
        <span class="spring"></span>
        ${a.traceId && html`<a href="/flow/${a.traceId}">See what it caused</a>`}
      </div>
      ${a.truncated && html`<p class="muted">Cut off here: there was more, or it does not end.</p>`}
      ${a.encoding === "base64" ? html`<p class="muted">${bytes(a.bytes)} that are not text.</p>` : a.body ? html`<${Json} value=${a.body} />` : html`<p class="muted">No body.</p>`}
      <details class="answer-headers">
        <summary>${plural(headers.length, "header")}</summary>
        <dl class="facts">${headers.map(([name, value], i) => html`<div key=${i}><dt class="mono">${name}</dt><dd class="mono">${value}</dd></div>`)}</dl>
      </details>
      ${a.requestId && html`<p class="muted">Request id <${Copyable} text=${a.requestId} /></p>`}
    </section>
  `;
}

const reasons = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
  307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
  412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type", 418: "I'm a teapot", 421: "Misdirected Request", 422: "Unprocessable Content", 429: "Too Many Requests",
  500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
};
