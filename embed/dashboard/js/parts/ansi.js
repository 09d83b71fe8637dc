// Ansi shows a line with a terminal's colours. What it holds is text, never markup.
import { html } from "../html.js";
import { cssOf, piecesOf } from "../ansi.js";

export const Ansi = ({ text }) =>
  piecesOf(text).map(({ text, style }, i) => {
    const look = ["bold", "dim", "italic", "underline", "strike"].filter((name) => style[name]).join(" ");
    const css = cssOf(style);
    return look || css.color ? html`<span key=${i} class=${look ? `sgr ${look}` : "sgr"} style=${css}>${text}</span>` : text;
  });
