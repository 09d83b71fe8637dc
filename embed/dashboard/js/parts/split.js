// Split is a list and, where an item is chosen, its detail beside it. On a
// narrow screen the detail takes the list's place, unless it is soft: then it
// is there only to fill the room. A wide detail has more room than the list. One that fills
// has a list that scrolls in itself.
import { html } from "../html.js";
import { hrefTo } from "../address.js";
import { Icon } from "./icon.js";

export const Split = ({ list, detail, soft, wide, fill }) => html`
  <div class="split ${detail ? "with-detail" : ""} ${soft ? "soft" : ""} ${wide ? "wide" : ""} ${fill ? "fill" : ""}">
    <div class="split-list">${list}</div>
    ${detail}
  </div>
`;

// Detail is the panel at the right. Page is the address it closes to, in parts.
export const Detail = ({ page, back, title, children }) => html`
  <section class="detail" aria-label=${title}>
    <header class="detail-head">
      <a class="icon-button detail-back" href=${hrefTo(...[page].flat())} aria-label="Back to ${back}"><${Icon} name="back" /></a>
      <h2 class="detail-title" title=${title}>${title}</h2>
      <a class="icon-button detail-close" href=${hrefTo(...[page].flat())} aria-label="Close" title="Close (Esc)"><${Icon} name="close" /></a>
    </header>
    <div class="detail-body">${children}</div>
  </section>
`;

// DetailList is a list of names and values; those without a value are left out.
export const DetailList = ({ of }) => html`
  <dl class="facts">
    ${of.filter(([, value]) => value !== undefined && value !== null && value !== "").map(
      ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`,
    )}
  </dl>
`;
