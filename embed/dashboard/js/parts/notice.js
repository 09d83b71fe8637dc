// What stands where there is no content: loading, nothing yet, an error.
import { html } from "../html.js";
import { Icon } from "./icon.js";

// Loading shows itself only when loading takes long enough to notice.
export const Loading = ({ what }) => html`<p class="loading" role="status">Loading ${what}…</p>`;

// Empty says what would fill the place, and holds the command or button for it.
export const Empty = ({ title, children }) => html`
  <div class="empty">
    <p class="empty-title">${title}</p>
    <div class="muted">${children}</div>
  </div>
`;

// Notice is a boxed message; tone is "error", "warn" or "info".
export const Notice = ({ tone, title, children, action }) => html`
  <div class="notice ${tone}" role=${tone === "error" ? "alert" : "status"}>
    <${Icon} name=${tone === "error" ? "error" : "warning"} />
    <div class="notice-text">
      <strong>${title}</strong>
      ${children && html`<div>${children}</div>`}
    </div>
    ${action}
  </div>
`;

// Failure shows a problem of the API and offers to try again.
export const Failure = ({ title, problem, retry }) => html`
  <${Notice} tone="error" title=${title} action=${retry && html`<button class="button" onClick=${retry}>Try again</button>`}>
    ${problem.detail ?? problem.title}
  <//>
`;
