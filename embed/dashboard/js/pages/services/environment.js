// Environment is what a service of the compose file gets, and what was rewritten in it.
import { useState } from "preact/hooks";
import { html } from "../../html.js";
import { useFetch } from "../../fetch.js";
import { plural } from "../../text.js";
import { Copyable, CopyButton } from "../../parts/copy.js";
import { Icon } from "../../parts/icon.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";

export function Environment({ of }) {
  const [revealed, reveal] = useState(false); // until this view is left
  const started = of.state + of.instances.map((i) => i.startedAt).join();
  const { answer, retry } = useFetch(`/api/services/${encodeURIComponent(of.name)}/environment${revealed ? "?reveal=true" : ""}`, { reloadKey: started });
  if (!answer) return html`<${Loading} what="the environment" />`;
  if (!answer.ok) return html`<${Failure} title="The environment could not be read" problem=${answer.problem} retry=${retry} />`;
  const all = answer.body.items;
  const secrets = all.filter((v) => v.secret).length;
  const groups = [
    ["Rewritten: names of services are addresses here", all.filter((v) => v.service || v.from)],
    ["As the file has it", all.filter((v) => !v.service && !v.from && v.source === "file")],
    ["Given by axion, as the file does not set it", all.filter((v) => !v.service && !v.from && v.source === "axion")],
  ].filter(([, list]) => list.length);
  if (!all.length) return html`<${Empty} title="It has no environment">What axion itself provides needs none.<//>`;
  return html`
    <div class="environment-head">
      <span class="muted">${plural(all.length, "variable")}. In a terminal:</span> <${Copyable} text="axion env ${of.name}" />
      <span class="spring"></span>
      ${secrets > 0 && html`<button type="button" class="button" aria-pressed=${revealed} onClick=${() => reveal(!revealed)}><${Icon} name="lock" />${revealed ? "Hide" : "Show"} ${plural(secrets, "secret")}</button>`}
    </div>
    <table class="table environment">
      <thead><tr><th>Name</th><th>Value</th><th>In the file</th><th>Meant</th></tr></thead>
      <tbody>
        ${groups.map(([title, list]) => html`
          <tr key=${title} class="group"><td colspan="4">${title}</td></tr>
          ${list.map((v) => html`<${Variable} key=${v.name} of=${v} hidden=${v.secret && !revealed} rewrite=${of.rewrites.find((r) => r.variable === v.name)} />`)}
        `)}
      </tbody>
    </table>
  `;
}

// Variable shows of a secret what is none: where the URL leads that has a password.
function Variable({ of, hidden, rewrite }) {
  const value = hidden ? (rewrite?.to ?? "••••") : of.value;
  const was = hidden ? rewrite?.from : of.from;
  return html`
    <tr>
      <td class="at-name mono">${of.name}</td>
      <td class="at-value mono"><span class="${hidden ? "muted" : "value"}">${value}</span>${!hidden && html`<${CopyButton} text=${of.value} what=${of.name} />`}</td>
      <td class="at-was mono muted">${was}</td>
      <td class="at-meant">${of.service && html`<a href="/services/${encodeURIComponent(of.service)}">${of.service}</a>`}</td>
    </tr>
  `;
}
