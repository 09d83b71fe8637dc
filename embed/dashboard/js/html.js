// html is JSX without a compiler. Values are always text, never markup.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
