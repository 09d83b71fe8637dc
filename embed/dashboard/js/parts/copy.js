// Copyable is a machine's word (an id, an address) with a button to copy it.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { Icon } from "./icon.js";

export const Copyable = ({ text, href }) => html`
  <span class="copyable">
    ${href ? html`<${Outside} href=${href} text=${text} />` : html`<span class="mono">${text}</span>`}
    <${CopyButton} text=${text} />
  </span>
`;

// CopyButton copies text, which may be a function that gives it. What names it, where the
// text itself is too long to.
export function CopyButton({ text, what = text }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return html`
    <button type="button" class="icon-button" onClick=${copy} aria-label=${copied ? "Copied" : `Copy ${what}`} title=${copied ? "Copied" : "Copy"}>
      <${Icon} name=${copied ? "ok" : "copy"} size=${14} />
    </button>
  `;
}

// Outside is a link that leaves the dashboard. Anything but http(s) stays text.
export const Outside = ({ href, text }) =>
  /^https?:\/\//.test(href)
    ? html`<a class="mono outside" href=${href} target="_blank" rel="noopener noreferrer">${text ?? href}<${Icon} name="open" size=${14} /></a>`
    : html`<span class="mono">${text ?? href}</span>`;
