// Tabs are links to the parts of a page, each with an address of its own.
import { useEffect, useRef } from "preact/hooks";
import { html } from "../html.js";

export function Tabs({ label, of }) {
  const at = useRef(null);
  const open = of.find(([, , on]) => on)?.[1];
  useEffect(() => {
    const link = at.current?.querySelector("[aria-current]");
    if (link) at.current.scrollLeft = link.offsetLeft - at.current.offsetLeft - 24;
  }, [open]);
  return html`
    <nav class="tabs part-tabs" aria-label=${label} ref=${at}>
      ${of.map(([title, href, on]) => html`<a key=${href} href=${href} aria-current=${on ? "page" : undefined}>${title}</a>`)}
    </nav>
  `;
}
