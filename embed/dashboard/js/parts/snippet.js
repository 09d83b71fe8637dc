// Snippet is the label or setting at a line of a file of the configuration.
import { html } from "../html.js";
import { useFetch } from "../fetch.js";
import { routes } from "../state.js";
import { Notice } from "./notice.js";

export function Snippet({ file, line, fault }) {
  const { answer } = useFetch(file && line ? `/api/snippet?${new URLSearchParams({ file, line })}` : "", { reloadKey: routes.value });
  if (!answer?.ok || !answer.body.lines.length) return null;
  const { first } = answer.body;
  const lines = withoutIndent(answer.body.lines);
  return html`
    <pre class="snippet ${fault ? "fault" : ""}" tabindex="0" aria-label="${file}, lines ${first} to ${first + lines.length - 1}">${lines.map(
      (text, i) => html`<span class=${first + i === line ? "at" : ""}><i>${first + i === line ? "›" : " "}${String(first + i).padStart(4)}</i> ${text}${"\n"}</span>`,
    )}</pre>
  `;
}

// withoutIndent takes off the spaces that all lines begin with.
function withoutIndent(lines) {
  const indents = lines.filter((text) => text.trim()).map((text) => /^ */.exec(text)[0].length);
  const all = Math.max(Math.min(...indents) - 2, 0);
  return lines.map((text) => text.slice(all));
}

const place = ({ file, line, service }) => [file && file + (line ? ":" + line : ""), service].filter(Boolean).join(" · ");

// LabelProblem is what is wrong with a label, where it stands.
export const LabelProblem = ({ of, lines = true }) => html`
  <${Notice} tone=${of.severity === "error" ? "error" : of.severity === "notice" ? "info" : "warn"} title=${of.message}>
    <span class="mono">${place(of)}</span>${of.label && html` · <code class="label">${of.label}</code>`}
    ${of.hint && html`<div class="muted">${of.hint}</div>`}
    ${lines && html`<${Snippet} file=${of.file} line=${of.line} fault=${of.severity === "error"} />`}
  <//>
`;
