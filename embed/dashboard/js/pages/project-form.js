// ProjectForm creates a project. What was typed stays until the project exists,
// whatever happens in between.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { html } from "../html.js";
import { go } from "../address.js";
import { fieldErrors, post } from "../api.js";
import { blueprints, loadBlueprints, titleOf } from "../blueprints.js";
import { checkProject as check, parseConfig as parse } from "../project-rules.js";
import { added } from "../projects.js";
import { plural } from "../text.js";
import { Notice } from "../parts/notice.js";

const blank = { name: "", template: "static-site", config: "" };
const values = signal(blank);
const errors = signal({});
const failure = signal(null); // {title, lines}
const busy = signal(false);

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
  useEffect(() => {
    loadBlueprints();
  }, []);
  const set = (field) => (event) => {
    values.value = { ...values.value, [field]: event.target.value };
    const { [field]: fixed, ...others } = errors.value;
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

const FieldError = ({ name }) =>
  errors.value[name] && html`<p class="field-error" id="${name}-error" role="alert">${errors.value[name]}</p>`;

// marks ties an input to its error for those who do not see it.
const marks = (name) => (errors.value[name] ? { "aria-invalid": "true", "aria-describedby": `${name}-error` } : {});

const Field = ({ name, label, hint, children }) => html`
  <div class="field">
    <label for=${name}>${label}</label>
    ${children}
    <${FieldError} name=${name} />
    ${hint && html`<p class="muted field-hint">${hint}</p>`}
  </div>
`;

// Until codegen has told what there is, the one that is always there is offered.
const first = [{ name: blank.template, description: "A page that runs at once.", files: [] }];

const Templates = ({ set }) => html`
  <fieldset class="field">
    <legend>Template</legend>
    <div class="choices">
      ${(blueprints.value ?? first).toSorted((a, b) => (b.name === blank.template) - (a.name === blank.template)).map(
        ({ name, description, files }) => html`
          <label key=${name} class="choice">
            <input type="radio" name="template" value=${name} checked=${values.value.template === name} onChange=${set} />
            <span><span class="choice-title">${titleOf(name)}</span><span class="muted">${description}${files.length > 0 && ` ${plural(files.length, "file")}.`}</span></span>
          </label>
        `,
      )}
    </div>
    <${FieldError} name="template" />
  </fieldset>
`;
