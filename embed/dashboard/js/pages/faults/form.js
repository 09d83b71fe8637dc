// FaultForm orders a fault. What is typed stands in the address, so that any page,
// and any message, can lead to a form that is filled in.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { go, query, setQuery } from "../../address.js";
import { fieldErrors } from "../../api.js";
import { begin } from "../../faults.js";
import { routes, topics } from "../../state.js";
import { Notice } from "../../parts/notice.js";
import { Curl } from "./detail.js";
import { check, codes, kinds, orderOf, usual } from "./kinds.js";

const names = ["target", ...Object.keys(usual)];

// usually are the values of a kind's untouched form.
const usually = (kind) => ({ ...usual, target: "", seconds: kind === "broker-restart" ? "1" : usual.seconds });

// asked is what the address asks for.
function asked() {
  const kind = query.value.get("kind") in kinds ? query.value.get("kind") : "route-delay";
  const given = names.filter((name) => query.value.has(name)).map((name) => [name, query.value.get(name)]);
  return { kind, ...usually(kind), ...Object.fromEntries(given) };
}

// targetsOf lists what there is to break.
function targetsOf(on) {
  const all = routes.value?.items ?? [];
  if (on === "topic") return (topics.value?.items ?? []).map((topic) => topic.name).filter((name) => !name.startsWith("__"));
  if (on === "route") return [...new Set([...all.map((route) => route.name), ...all.map((route) => route.service), ...all.map((route) => route.origin.service)])].filter(Boolean).sort();
  return [];
}

export function FaultForm() {
  const [touched, touch] = useState({});
  const [failure, fail] = useState("");
  const [busy, setBusy] = useState(false);
  const [typed, type] = useState(asked);
  const values = { ...typed, target: typed.target.trim() };
  const kind = kinds[values.kind];
  const known = targetsOf(kind.on);
  const wrong = check(values, known);
  const shown = Object.fromEntries(Object.entries(wrong).filter(([name]) => touched.all || touched[name]));
  const set = (name) => (event) => {
    const { value } = event.target;
    type({ ...typed, [name]: value });
    setQuery(name, value === usually(typed.kind)[name] ? "" : value);
    touch({ ...touched, [name]: value !== "" || name !== "target" });
    fail("");
  };
  const choose = (event) => {
    const next = event.target.value;
    const target = kinds[next].on === kind.on ? typed.target : "";
    type({ ...typed, kind: next, target, seconds: typed.seconds === usually(typed.kind).seconds ? usually(next).seconds : typed.seconds });
    setQuery("kind", next);
    setQuery("target", target);
    touch({});
  };
  const send = async (event) => {
    event.preventDefault();
    touch({ all: true });
    if (busy || Object.keys(wrong).length) return event.currentTarget?.querySelector?.("[aria-invalid=true]")?.focus();
    setBusy(true);
    const answer = await begin(orderOf(values));
    setBusy(false);
    if (answer.ok) return go("/faults/" + encodeURIComponent(answer.body.id));
    const { fields, rest } = fieldErrors(answer.problem);
    fail([answer.problem.detail, ...Object.values(fields), ...rest].filter(Boolean).join("; "));
  };
  const field = (name) => html`<${Field} key=${name} name=${name} value=${typed[name]} error=${shown[name]} set=${set(name)} />`;
  return html`
    <form class="form fault-form" noValidate onSubmit=${send} onKeyDown=${(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && send(e)}>
      ${failure && html`<${Notice} tone="error" title="Nothing was broken">${failure}<//>`}
      <div class="field">
        <label for="kind">What happens</label>
        <select id="kind" value=${values.kind} onChange=${choose}>
          ${Object.entries(kinds).map(([name, { title }]) => html`<option key=${name} value=${name} selected=${name === values.kind}>${title}</option>`)}
        </select>
        <p class="muted">${kind.what}</p>
      </div>
      ${kind.loss && html`<${Notice} tone="warn" title="Records are lost for good">Nothing brings them back when the fault ends.<//>`}
      ${kind.on && html`<${Target} on=${kind.on} value=${typed.target} known=${known} error=${shown.target} set=${set("target")} />`}
      <div class="field-row">${kind.fields.map(field)}${field("seconds")}</div>
      <div class="form-end">
        <button class="button primary" type="submit" disabled=${busy}>Break it</button>
        <span class="muted form-keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
      </div>
    </form>
    <${Curl} order=${orderOf(values)} />
  `;
}

// marks ties an input to its error for those who do not see it.
const marks = (name, error) => (error ? { "aria-invalid": "true", "aria-describedby": `${name}-error` } : {});

const FieldError = ({ name, error }) => error && html`<p class="field-error" id="${name}-error" role="alert">${error}</p>`;

const targets = {
  route: ["Router or service", "graph-service", "A service stands for all its routers."],
  topic: ["Topic", "axion.graph-service", ""],
  group: ["Consumer group", "every group", "Empty means every group."],
};

function Target({ on, value, known, error, set }) {
  const [label, example, hint] = targets[on];
  return html`
    <div class="field">
      <label for="target">${label}</label>
      <input id="target" class="mono" list="targets" autocomplete="off" spellcheck="false" placeholder=${example} value=${value} onInput=${set} ...${marks("target", error)} />
      <datalist id="targets">${known.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
      <${FieldError} name="target" error=${error} />
      ${hint && html`<p class="muted field-hint">${hint}</p>`}
    </div>
  `;
}

const labels = {
  percent: "Share (%)", delayMs: "Delay (ms)", jitterMs: "Up to more (ms)", status: "HTTP status",
  code: "Kafka error", partition: "Partition", seconds: "Lasts (s)",
};

const Field = ({ name, value, error, set }) => html`
  <div class="field ${name === "code" ? "wide" : ""}">
    <label for=${name}>${labels[name]}</label>
    <input id=${name} class=${name === "code" ? "mono" : ""} inputmode=${name === "code" ? "text" : "numeric"} autocomplete="off" spellcheck="false"
      list=${name === "code" ? "codes" : undefined} placeholder=${name === "partition" ? "all" : ""} value=${value} onInput=${set} ...${marks(name, error)} />
    ${name === "code" && html`<datalist id="codes">${codes.map((code) => html`<option key=${code} value=${code} />`)}</datalist>`}
    <${FieldError} name=${name} error=${error} />
  </div>
`;
