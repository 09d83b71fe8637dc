// Breadcrumbs is a title below Topics, with the way back.
import { html } from "../../html.js";
import { Icon } from "../../parts/icon.js";

export const Breadcrumbs = ({ title, mono, children }) => html`
  <header class="page-head">
    <h1 class="page-title crumbs"><a href="/topics" aria-label="Topics" title="All topics"><${Icon} name="back" /></a><span class=${mono ? "mono" : ""}>${title}</span></h1>
    ${children}
  </header>
`;
