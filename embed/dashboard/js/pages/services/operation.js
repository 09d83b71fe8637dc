// Operation is the form of one of a service's operations, and its answer.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { urlOf } from "../../openapi.js";
import { exampleOf, faultsOf, optionalOf, paramFault, resolve } from "../../schema.js";
import { Answer, submitOnCtrlEnter, useRequest } from "../../parts/request.js";

const mostFaults = 5;

const first = (p, doc) => String(p.example ?? (p.required ? (resolve(p.schema, doc).example ?? resolve(p.schema, doc).default ?? "") : ""));

export function Operation({ op, doc, base }) {
  const [values, setValues] = useState(() => Object.fromEntries(op.params.map((p) => [`${p.in} ${p.name}`, first(p, doc)])));
  const [body, setBody] = useState(() => (op.body ? bodyOf(op.body, doc) : ""));
  const [auth, setAuth] = useState(op.auth);
  const { state, send } = useRequest();
  const faults = Object.fromEntries(op.params.map((p) => [`${p.in} ${p.name}`, paramFault(values[`${p.in} ${p.name}`], p, doc)]));
  const bodyFaults = op.body ? faultsIn(body, op.body, doc) : [];
  const wrong = Object.values(faults).some(Boolean);
  const submit = (event) => {
    event.preventDefault();
    const headers = Object.fromEntries(op.params.filter((p) => p.in === "header" && values[`header ${p.name}`]).map((p) => [p.name, values[`header ${p.name}`]]));
    if (op.body && body) headers["Content-Type"] = op.body.type;
    send({ method: op.method, url: urlOf(base, op, values), headers, body, auth });
  };
  return html`
    <form class="operation-form" onSubmit=${submit} onKeyDown=${submitOnCtrlEnter}>
      ${op.description && html`<p class="muted">${op.description}</p>`}
      ${op.params.map((p) => html`<${Param} key=${p.in + p.name} of=${p} doc=${doc} value=${values[`${p.in} ${p.name}`]} fault=${faults[`${p.in} ${p.name}`]} change=${(v) => setValues({ ...values, [`${p.in} ${p.name}`]: v })} />`)}
      ${op.body && html`
        <label class="field"><span>Body, ${op.body.type}</span>
          <textarea class="mono" rows=${Math.min(Math.max(body.split("\n").length + 1, 4), 18)} spellcheck="false" value=${body} aria-invalid=${bodyFaults.length ? "true" : undefined} onInput=${(e) => setBody(e.target.value)}></textarea>
          ${bodyFaults.slice(0, mostFaults).map((f, i) => html`<span key=${i} class="field-error">${f.at && html`<code>${f.at}</code> `}${f.what}</span>`)}
          ${optionalOf(op.body.schema, doc).length > 0 && html`<span class="muted field-hint">It may have too: ${optionalOf(op.body.schema, doc).map((name, i) => html`${i > 0 && ", "}<code>${name}</code>`)}</span>`}
        </label>
      `}
      <div class="form-end">
        <button class="button primary" disabled=${state === "sending" || wrong}>Send</button>
        <label class="only"><input type="checkbox" checked=${auth} onChange=${(e) => setAuth(e.target.checked)} /> with the development token</label>
        <span class="muted form-keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
      </div>
      <p class="muted mono operation-url">${op.method} ${urlOf(base, op, values)}</p>
      <${Answer} of=${state} />
    </form>
  `;
}

const isJSON = (type) => type.includes("json");

const bodyOf = ({ type, schema }, doc) => (isJSON(type) ? JSON.stringify(exampleOf(schema, doc), null, 2) : "");

function faultsIn(text, { type, schema, required }, doc) {
  if (!text.trim()) return required ? [{ at: "", what: "a body is needed" }] : [];
  if (!isJSON(type)) return [];
  try {
    return faultsOf(JSON.parse(text), schema, doc);
  } catch (e) {
    return [{ at: "", what: `is not JSON: ${e.message}` }];
  }
}

function Param({ of, doc, value, fault, change }) {
  const schema = resolve(of.schema ?? {}, doc);
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  return html`
    <label class="field"><span><code>${of.name}</code> ${of.in}${of.required && ", needed"}${of.description && html` · ${of.description}`}</span>
      ${choices
        ? html`<select value=${value} aria-invalid=${fault ? "true" : undefined} onChange=${(e) => change(e.target.value)}>${(of.required && value ? [] : [""]).concat(choices).map((c) => html`<option key=${c} value=${c} selected=${String(c) === value}>${c === "" ? "–" : String(c)}</option>`)}</select>`
        : html`<input class="mono" value=${value} spellcheck="false" placeholder=${schema.default ?? ""} aria-invalid=${fault ? "true" : undefined} onInput=${(e) => change(e.target.value)} />`}
      ${fault && html`<span class="field-error">${fault}</span>`}
    </label>
  `;
}
