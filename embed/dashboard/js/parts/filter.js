// Filter is a page's search field. What is typed stands in the address.
import { html } from "../html.js";
import { query, setQuery } from "../address.js";
import { Icon } from "./icon.js";

export const filterText = () => (query.value.get("q") ?? "").trim().toLowerCase();

export const Filter = ({ label }) => html`
  <label class="filter">
    <${Icon} name="search" />
    <input
      type="search"
      placeholder=${label}
      aria-label=${label}
      data-filter
      spellcheck="false"
      autocomplete="off"
      value=${query.value.get("q") ?? ""}
      onInput=${(event) => setQuery("q", event.target.value)}
    />
    <kbd>f</kbd>
  </label>
`;
