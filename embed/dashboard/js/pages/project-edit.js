// ProjectEdit changes a project's name and configuration; its next deployment uses
// them.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { call, fieldErrors } from "../api.js";
import { checkProject, parseConfig } from "../project-rules.js";
import { changed } from "../projects.js";
import { Failure } from "../parts/notice.js";

export function ProjectEdit({ project, close }) {
  const config = project.config && Object.keys(project.config).length ? JSON.stringify(project.config, null, 2) : "";
  const [values, setValues] = useState({ name: project.name, config });
  const [refused, setRefused] = useState({ fields: {} });
  const errors = { ...refused.fields, ...checkProject(values) };
  const set = (field) => (event) => {
    setValues({ ...values, [field]: event.target.value });
    setRefused({ fields: {} });
  };
  const send = async (event) => {
    event.preventDefault();
    if (Object.keys(errors).length) return;
    const body = { name: values.name.trim(), config: values.config.trim() ? parseConfig(values.config) : {} };
    const answer = await call("PATCH", "/api/projects/" + encodeURIComponent(project.id), body);
    if (!answer.ok) return setRefused({ problem: answer.problem, ...fieldErrors(answer.problem) });
    changed(answer.body);
    close();
  };
  const marks = (name) => (errors[name] ? { "aria-invalid": "true", "aria-describedby": `edit-${name}-error` } : {});
  const field = (name, label, input) => html`
    <div class="field">
      <label for="edit-${name}">${label}</label>
      ${input}
      ${errors[name] && html`<p class="field-error" id="edit-${name}-error" role="alert">${errors[name]}</p>`}
    </div>
  `;
  return html`
    <form class="form ask" noValidate onSubmit=${send} onKeyDown=${(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && send(e)}>
      ${refused.problem && !Object.keys(refused.fields).length && html`<${Failure} title="The project was not changed" problem=${refused.problem} />`}
      ${field("name", "Name", html`<input id="edit-name" autocomplete="off" spellcheck="false" value=${values.name} onInput=${set("name")} ...${marks("name")} />`)}
      ${field("config", "Configuration", html`<textarea id="edit-config" class="mono" rows="4" spellcheck="false" value=${values.config} onInput=${set("config")} ...${marks("config")}></textarea>`)}
      <div class="form-end">
        <button class="button primary" type="submit">Save</button>
        <button class="button" type="button" onClick=${close}>Keep as it is</button>
        <span class="muted">The next deployment uses it.</span>
      </div>
    </form>
  `;
}
