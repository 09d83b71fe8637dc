// ProjectForm creates a project. What was typed stays until the project exists,
// whatever happens in between.
import { useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { html } from "../html.js";
import { go } from "../address.js";
import { fieldErrors, post } from "../api.js";
import { added } from "../projects.js";
import { Notice } from "../parts/notice.js";

const templates = [
  ["static-site", "Static site", "A page that runs at once"],
  ["nestjs-service", "NestJS service", "Source code with its Dockerfile and labels, and a page about it"],
];

const blank = { name: "", template: "static-site", config: "" };
const values = signal(blank);
const errors = signal({});
const failure = signal(null); // {title, lines}
const busy = signal(false);

// check tells what is wrong before the server has to.
function check({ name, config }) {
  const found = {};
  if (!name.trim()) found.name = "Give the project a name.";
  if ([...name.trim()].length > 80) found.name = "Use at most 80 characters.";
  if (config.trim() && parse(config) === undefined) found.config = "This is not a JSON object, such as {\"title\": \"Hello\"}.";
  return found;
}

// parse gives the object that text holds, or undefined.
function parse(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function submit() {
  const typed = values.value;
  errors.value = check(typed);
  if (busy.value || Object.keys(errors.value).length) return;
  busy.value = true;
  failure.value = null;
  const body = { name: typed.name.trim(), template: typed.template, config: parse(typed.config) ?? {} };
  const answer = await post("/api/projects", body);
  busy.value = false;
  if (answer.ok) {
    values.value = blank;
    added(answer.body);
    return go("/projects/" + encodeURIComponent(answer.body.id));
  }
  const { fields, rest } = fieldErrors(answer.problem);
  const { name, template, config, ...unknown } = fields;
  errors.value = Object.fromEntries(Object.entries({ name, template, config }).filter(([, text]) => text));
  const lines = [...rest, ...Object.entries(unknown).map(([field, text]) => `${field}: ${text}`)];
  if (!Object.keys(errors.value).length || lines.length) {
    failure.value = { title: "The project was not created", lines: lines.length ? lines : [answer.problem.detail ?? answer.problem.title] };
  }
}

export function ProjectForm() {
  const form = useRef();
  const set = (field) => (event) => {
    values.value = { ...values.value, [field]: event.target.value };
    const { [field]: mended, ...others } = errors.value;
    const now = field === "name" && !event.target.value ? {} : check(values.value);
    errors.value = now[field] ? { ...others, [field]: now[field] } : others;
  };
  const send = async (event) => {
    event.preventDefault();
    await submit();
    form.current?.querySelector("[aria-invalid=true]")?.focus();
  };
  return html`
    <form ref=${form} class="form" noValidate onSubmit=${send} onKeyDown=${(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && send(e)}>
      ${failure.value && html`<${Notice} tone="error" title=${failure.value.title}>${failure.value.lines.map((line) => html`<div>${line}</div>`)}<//>`}
      <${Field} name="name" label="Name">
        <input id="name" name="name" autocomplete="off" spellcheck="false" value=${values.value.name} onInput=${set("name")} ...${marks("name")} />
      <//>
      <${Templates} set=${set("template")} />
      <${Field} name="config" label="Configuration" hint="Optional JSON that the template fills in.">
        <textarea id="config" name="config" rows="4" class="mono" spellcheck="false" placeholder=${'{"title": "Hello"}'}
          value=${values.value.config} onInput=${set("config")} ...${marks("config")}></textarea>
      <//>
      <div class="form-end">
        <button class="button primary" type="submit" disabled=${busy.value}>${busy.value ? "Creating…" : "Create project"}</button>
        <span class="muted form-keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
      </div>
    </form>
  `;
}

// marks ties an input to its error for those who do not see it.
const marks = (name) => (errors.value[name] ? { "aria-invalid": "true", "aria-describedby": `${name}-error` } : {});

const FieldError = ({ name }) =>
  errors.value[name] && html`<p class="field-error" id="${name}-error" role="alert">${errors.value[name]}</p>`;

const Field = ({ name, label, hint, children }) => html`
  <div class="field">
    <label for=${name}>${label}</label>
    ${children}
    <${FieldError} name=${name} />
    ${hint && html`<p class="muted field-hint">${hint}</p>`}
  </div>
`;

const Templates = ({ set }) => html`
  <fieldset class="field">
    <legend>Template</legend>
    <div class="choices">
      ${templates.map(
        ([value, title, text]) => html`
          <label key=${value} class="choice">
            <input type="radio" name="template" value=${value} checked=${values.value.template === value} onChange=${set} />
            <span><span class="choice-title">${title}</span><span class="muted">${text}</span></span>
          </label>
        `,
      )}
    </div>
    <${FieldError} name="template" />
  </fieldset>
`;
