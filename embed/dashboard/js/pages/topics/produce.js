// Produce writes a message by hand. What was typed stays where it fails.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { query } from "../../address.js";
import { get, post } from "../../api.js";
import { parse } from "../../json.js";
import { apiOf, idOf } from "../../messages.js";
import { Failure, Notice } from "../../parts/notice.js";

const empty = { key: "", value: "", headers: "", partition: "", none: false, encoding: "text", trace: true };
const ours = /^(dlq_|traceparent$|tracestate$)/;

// filled is the form for a message again.
const filled = (m) => ({
  ...empty, key: m.key, value: m.value, none: m.kind === "null", encoding: m.kind === "binary" ? "base64" : "text",
  headers: m.headers.filter((h) => h.kind !== "binary" && !ours.test(h.name)).map((h) => `${h.name}: ${h.value}`).join("\n"),
});

// headersOf reads NAME: VALUE lines, or says which is none.
export function headersOf(text) {
  const headers = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const colon = line.indexOf(":");
    if (colon < 1) return { wrong: `Line ${i + 1} is not NAME: VALUE.` };
    headers.push({ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() });
  }
  return { headers };
}

// wrongIn says what is wrong with the form, by field.
function wrongIn(form) {
  const wrong = {};
  if (headersOf(form.headers).wrong) wrong.headers = headersOf(form.headers).wrong;
  if (form.encoding === "base64" && !form.none && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(form.value)) wrong.value = "This is not base64.";
  return wrong;
}

const bodyOf = (form) => ({
  ...(form.key !== "" && { key: form.key }),
  ...(!form.none && { value: form.value, encoding: form.encoding }),
  ...(form.partition !== "" && { partition: Number(form.partition) }),
  headers: headersOf(form.headers).headers,
  trace: form.trace,
});

export function Produce({ name, topic }) {
  const [form, setForm] = useState(empty);
  const [state, setState] = useState({});
  const from = query.value.get("from");
  useEffect(() => {
    if (!from) return;
    get(`${apiOf(name)}/messages/${from.replace(":", "/")}`).then((answer) => (answer.ok ? setForm(filled(answer.body)) : setState({ problem: answer.problem, title: "The message to fill in is not here" })));
  }, [name, from]);
  const wrong = wrongIn(form);
  const change = (field) => (e) => setForm({ ...form, [field]: e.target.type === "checkbox" ? e.target.checked : e.target.value });
  const submit = async (event) => {
    event.preventDefault();
    if (state.busy || Object.keys(wrong).length) return;
    setState({ busy: true });
    const answer = await post(`${apiOf(name)}/messages`, bodyOf(form));
    setState(answer.ok ? { done: answer.body } : { problem: answer.problem });
  };
  const keys = (event) => event.ctrlKey && event.key === "Enter" && submit(event);
  return html`
    <form class="form produce" onSubmit=${submit} onKeyDown=${keys} aria-label="Produce a message">
      ${state.done && html`<${Done} m=${state.done} name=${name} />`}
      ${state.problem && html`<${Failure} title=${state.title ?? "The message was not produced"} problem=${state.problem} />`}
      <div class="produce-row">
        <div class="field"><label for="p-key">Key</label><input id="p-key" class="mono" spellcheck="false" autocomplete="off" value=${form.key} onInput=${change("key")} placeholder="none" /></div>
        <div class="field"><label for="p-partition">Partition</label><select id="p-partition" value=${form.partition} onChange=${change("partition")}><option value="">by key</option>${(topic?.partitions ?? []).map((p) => html`<option key=${p.id} value=${p.id}>${p.id}</option>`)}</select></div>
        <div class="field"><label for="p-encoding">Value is</label><select id="p-encoding" value=${form.encoding} onChange=${change("encoding")}><option value="text" selected=${form.encoding === "text"}>text</option><option value="base64" selected=${form.encoding === "base64"}>base64</option></select></div>
      </div>
      <div class="field">
        <label for="p-value">Value</label>
        <textarea id="p-value" class="mono" rows="8" spellcheck="false" disabled=${form.none} value=${form.value} onInput=${change("value")} aria-invalid=${Boolean(wrong.value)} aria-describedby="p-value-said"></textarea>
        <p id="p-value-said" class=${wrong.value ? "field-error" : "field-hint muted"}>${wrong.value ?? hintOf(form)}</p>
      </div>
      <div class="field">
        <label for="p-headers">Headers</label>
        <textarea id="p-headers" class="mono" rows="3" spellcheck="false" value=${form.headers} onInput=${change("headers")} placeholder="ce_type: PROJECT_CREATED" aria-invalid=${Boolean(wrong.headers)} aria-describedby="p-headers-said"></textarea>
        <p id="p-headers-said" class=${wrong.headers ? "field-error" : "field-hint muted"}>${wrong.headers ?? "One NAME: VALUE a line."}</p>
      </div>
      <label class="only"><input type="checkbox" checked=${form.none} onChange=${change("none")} /> no value (compaction takes it for a deletion of the key)</label>
      <label class="only"><input type="checkbox" checked=${form.trace} onChange=${change("trace")} /> begin a trace, by a header traceparent</label>
      <div class="form-end"><button type="submit" class="button primary" disabled=${state.busy}>${state.busy ? "Producing…" : "Produce"}</button><span class="muted form-keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span></div>
    </form>
  `;
}

function hintOf({ value, none, encoding }) {
  if (none || !value || encoding === "base64") return "";
  return parse(value) === undefined ? "Not JSON: sent as it is." : "JSON.";
}

const Done = ({ m, name }) => html`
  <${Notice} tone="info" title="Produced">
    As <a class="mono" href=${`/topics/${encodeURIComponent(name)}/messages/${m.partition}/${m.offset}`}>${idOf(m)}</a>.
    ${m.traceId && html` <a href=${"/flow/" + m.traceId}>Follow its trace</a>`}
  <//>
`;
