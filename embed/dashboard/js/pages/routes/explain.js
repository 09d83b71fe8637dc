// Explain asks the gateway what becomes of a request: which router takes it and
// why, what came second, and what came near. It can be sent from here.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { query, setAll } from "../../address.js";
import { get } from "../../api.js";
import { routes, system } from "../../state.js";
import { Answer, headersOf, submitOnCtrlEnter, useRequest } from "../../parts/request.js";
import { FaultMark } from "../../parts/fault.js";
import { Icon } from "../../parts/icon.js";
import { Empty, Notice } from "../../parts/notice.js";
import { Rule } from "../../parts/rule.js";
import { Snippet } from "../../parts/snippet.js";
import { Status } from "../../parts/status.js";
import { Header } from "./header.js";
import { withProvider } from "./resources.js";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const pause = 120; // while typing

export function Explain() {
  const asked = { url: query.value.get("url") ?? "", method: query.value.get("method") ?? "GET", header: query.value.getAll("header"), client: query.value.get("client") ?? "" };
  const [headers, setHeaders] = useState(asked.header.join("\n"));
  const request = useRequest();
  const answer = useExplanation(asked);
  const change = (name, value) => {
    request.clear();
    setAll(name, value);
  };
  const edit = (text) => {
    setHeaders(text);
    change("header", text.split("\n").filter((line) => line.trim()));
  };
  return html`
    <div class="explain">
      <${Header} tab="explain" />
      <${Question} asked=${asked} headers=${headers} edit=${edit} change=${change} />
      ${!asked.url && html`<${Examples} />`}
      ${answer && !answer.ok && asked.url && html`<${Notice} tone="warn" title="That is no request yet">${answer.problem.message ?? answer.problem.detail}<//>`}
      ${answer?.ok && asked.url && html`<${Outcome} of=${answer.body} /><${Try} asked=${asked} headers=${headers} request=${request} />`}
    </div>
  `;
}

// useExplanation asks as the reader types, and again when the table changes.
function useExplanation({ url, method, header, client }) {
  const [answer, setAnswer] = useState(null);
  const search = new URLSearchParams({ url, method, ...(client && { client }) });
  header.forEach((line) => search.append("header", line));
  const path = "/api/explain?" + search;
  useEffect(() => {
    if (!url) return setAnswer(null);
    if (!URL.canParse(url)) return setAnswer({ ok: false, problem: { detail: "The URL must be absolute, as https://shop.localhost/ is." } });
    let gone = false;
    const timer = setTimeout(async () => {
      const next = await get(path);
      if (!gone) setAnswer(next);
    }, pause);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [path, routes.value]);
  return answer;
}

const Question = ({ asked, headers, edit, change }) => html`
  <form class="question" onSubmit=${(e) => e.preventDefault()}>
    <label class="field question-method"><span>Method</span>
      <select value=${asked.method} onChange=${(e) => change("method", e.target.value)}>
        ${[...new Set([...methods, asked.method])].map((m) => html`<option key=${m} value=${m} selected=${m === asked.method}>${m}</option>`)}
      </select>
    </label>
    <label class="field question-url"><span>URL</span>
      <input class="mono" type="url" value=${asked.url} placeholder=${exampleURL()} data-filter spellcheck="false" autocomplete="off" onInput=${(e) => change("url", e.target.value)} />
    </label>
    <details class="question-more" open=${Boolean(asked.client || headers)}>
      <summary>Headers and client address</summary>
      <label class="field"><span>Headers, one a line</span>
        <textarea class="mono" rows="3" spellcheck="false" placeholder="X-Beta: yes" value=${headers} aria-invalid=${headersOf(headers).wrong ? "true" : undefined} onInput=${(e) => edit(e.target.value)}></textarea>
        ${headersOf(headers).wrong && html`<span class="field-error">“${headersOf(headers).wrong}” is not in the form Name: value</span>`}
      </label>
      <label class="field"><span>Client address</span>
        <input class="mono" value=${asked.client} placeholder="127.0.0.1" spellcheck="false" onInput=${(e) => change("client", e.target.value)} />
      </label>
    </details>
  </form>
`;

const hostsOf = (list) => [...new Set(list.filter((r) => r.tls).map((r) => /Host\(`([^`]+)`\)/.exec(r.rule)?.[1]).filter(Boolean))];

function addressOf(host) {
  const url = new URL(system.value?.addresses.https ?? "https://localhost");
  url.hostname = host;
  return url.href;
}

const exampleURL = () => addressOf(hostsOf(routes.value?.items ?? [])[0] ?? "shop.localhost");

const Examples = () => html`
  <${Empty} title="Which router takes a request?">
    Type a URL and see, before anything is sent. For example:
    <ul class="plain examples">${hostsOf(routes.value?.items ?? []).slice(0, 4).map((host) => html`<li key=${host}><a class="mono" href="/routes/explain?${new URLSearchParams({ url: addressOf(host) })}">${addressOf(host)}</a></li>`)}
      <li><a class="mono" href="/routes/explain?${new URLSearchParams({ url: addressOf("nothing.localhost") })}">${addressOf("nothing.localhost")}</a></li></ul>
  <//>
`;

function Outcome({ of }) {
  return html`
    ${of.router
      ? html`<${Taken} of=${of} />`
      : html`<${Notice} tone="error" title=${`No router takes it: ${of.outcome || "the answer is 404"}`}>It comes in at the entry point ${of.entryPoint}. ${of.near.length ? "These came near:" : "No router is anything like it."}<//>`}
    ${of.second && html`<h2 class="section-title">Came second</h2><${Judged} of=${of.second} why=${whySecond(of.router, of.second)} />`}
    ${of.near.length > 0 && html`<h2 class="section-title">${of.router ? "Came near" : "Near misses"}</h2>${of.near.map((j) => html`<${Judged} key=${j.name} of=${j} />`)}`}
  `;
}

// whySecond tells what decided between two that both match.
const whySecond = (first, second) =>
  first.priority > second.priority
    ? `It matches too, with the lower priority: ${second.priority} where ${first.name} has ${first.priority}.`
    : `It matches too, with the same priority, ${second.priority}: the layer of its file, then its name, decided.`;

const Taken = ({ of: { router, entryPoint, servers, server } }) => html`
  <section class="card taken" aria-label="Taken by">
    <${Judgement} of=${router} title="Taken by" />
    <ol class="way">
      <li><span class="muted">Entry point</span><a href="/routes/entrypoints/${encodeURIComponent(entryPoint)}">${entryPoint}</a></li>
      ${router.middlewares.map((m) => html`<li key=${m}><span class="muted">Middleware</span><a href=${clean("middlewares", "http", m)}>${m}</a></li>`)}
      <li><span class="muted">Service</span><a href=${clean("services", "http", withProvider(router.service, router.name))}>${router.service}</a></li>
      <li><span class="muted">${servers.length > 1 ? "One of" : "Server"}</span>
        ${servers.length ? html`<ul class="plain">${servers.map((s) => html`<li key=${s.url}><span class="mono">${s.url}</span> <${Status} of=${s.status} />${server === s.url && servers.length > 1 && " this one"}</li>`)}</ul>` : html`<span class="error">none: the answer is 503</span>`}</li>
    </ol>
  </section>
`;

const clean = (...parts) => "/" + ["routes", ...parts].map(encodeURIComponent).join("/");

const Judged = ({ of, why }) => html`
  <section class="card judged">
    <${Judgement} of=${of} />
    ${why && html`<p class="muted">${why}</p>`}
    ${of.change && html`<p class="change"><${Icon} name="flow" /> It would take the request with <code>${of.change}</code></p>`}
    ${(of.errors ?? []).map((e) => html`<p key=${e} class="error">${e}</p>`)}
    <details><summary>Where it is defined</summary><p class="mono">${of.origin.file}${of.origin.line > 0 && ":" + of.origin.line}</p><${Snippet} file=${of.origin.file} line=${of.origin.line} /></details>
  </section>
`;

const Judgement = ({ of, title }) => html`
  <header class="judgement">
    ${title && html`<span class="muted">${title}</span>`}
    <a class="judged-name" href=${clean(of.name)}>${of.name}</a>
    <${FaultMark} kind="route" name=${of.name} words />
    ${of.status !== "enabled" && html`<${Status} of=${of.status} />`}
    <span class="spring"></span>
    <span class="muted">priority ${of.priority}</span>
  </header>
  <ul class="verdicts">
    ${of.verdicts.map((v, i) => html`<li key=${i} class=${v.matched ? "matched" : "missed"}><${Icon} name=${v.matched ? "ok" : "error"} /><${Rule} text=${v.matcher} /><span class="verdict">${v.matched ? "matches" : "does not match"}</span></li>`)}
  </ul>
`;

// Try sends the request that was explained.
function Try({ asked, headers, request }) {
  const [body, setBody] = useState("");
  const [auth, setAuth] = useState(true);
  const hasBody = !["GET", "HEAD"].includes(asked.method);
  const send = (event) => {
    event.preventDefault();
    request.send({ method: asked.method, url: asked.url, headers: headersOf(headers).headers, body: hasBody ? body : "", auth });
  };
  return html`
    <form class="try" onSubmit=${send} onKeyDown=${submitOnCtrlEnter}>
      <h2 class="section-title">Try it</h2>
      ${hasBody && html`<label class="field"><span>Body</span><textarea class="mono" rows="5" spellcheck="false" value=${body} onInput=${(e) => setBody(e.target.value)}></textarea></label>
        ${body && !/^content-type\s*:/im.test(headers) && html`<p class="muted">No Content-Type is set: add one to the headers, such as <code>Content-Type: application/json</code>.</p>`}`}
      <div class="form-end">
        <button class="button primary" disabled=${request.state === "sending" || Boolean(headersOf(headers).wrong)}>Send</button>
        <label class="only"><input type="checkbox" checked=${auth} onChange=${(e) => setAuth(e.target.checked)} /> with the development token</label>
        <span class="muted form-keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
      </div>
      <${Answer} of=${request.state} />
    </form>
  `;
}
