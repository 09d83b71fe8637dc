// Rule sets off the values in a router's rule from the words around them, and
// keeps a matcher on one line where it is short enough for any screen.
import { html } from "../html.js";

const matcher = /(\w+\((?:[^()`"]|`[^`]*`|"[^"]*")*\))/;
const longest = 40;

const Values = ({ of }) => of.split(/(`[^`]*`|"[^"]*")/).map((piece, i) => (i % 2 ? html`<b>${piece}</b>` : piece));

export const Rule = ({ text }) => html`
  <code class="rule">${text
    .split(matcher)
    .map((piece, i) => (i % 2 && piece.length <= longest ? html`<span class="whole"><${Values} of=${piece} /></span>` : html`<${Values} of=${piece} />`))}</code>
`;
