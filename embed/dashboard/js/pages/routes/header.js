// Header is the title of Routes, with the tabs of its parts.
import { html } from "../../html.js";
import { Filter } from "../../parts/filter.js";
import { Tabs } from "../../parts/tabs.js";

const tabs = [["Routers", ""], ["Services", "services"], ["Middlewares", "middlewares"], ["Entry points", "entrypoints"], ["Certificates", "certificates"], ["Explain", "explain"]];

export const Header = ({ tab, count, filter }) => html`
  <header class="page-head">
    <h1 class="page-title">Routes</h1>
    ${count && html`<span class="muted">${count}</span>`}
    <span class="spring"></span>
    ${filter && html`<${Filter} label=${filter} />`}
  </header>
  <${Tabs} label="Parts of the routes" of=${tabs.map(([title, name]) => [title, name ? `/routes/${name}` : "/routes", name === tab])} />
`;
