// Rule sets off the values in a router's rule from the words around them.
import { html } from "../html.js";

export const Rule = ({ text }) => html`
  <code class="rule">${text.split(/(`[^`]*`|"[^"]*")/).map((piece, i) => (i % 2 ? html`<b>${piece}</b>` : piece))}</code>
`;
