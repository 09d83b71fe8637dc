// Rows are a table's rows, of which only those in sight are there: for lists of any
// length. All have one height, in pixels; narrow is that on a narrow screen. The
// table scrolls with the nearest .split-list or main.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";

const spare = 12; // rows beyond what is in sight

export function Rows({ items, height, narrow, columns, row }) {
  const body = useRef(null);
  const [part, setPart] = useState([0, 60]);
  const [size, setSize] = useState(height);
  useEffect(() => {
    const rows = body.current; // the ref is empty before this effect is taken back
    const scroller = rows.closest(".split-list, main");
    const look = () => {
      const tall = matchMedia("(max-width: 699px)").matches ? narrow : height;
      const above = scroller.getBoundingClientRect().top - rows.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(above / tall) - spare);
      const last = Math.ceil((above + scroller.clientHeight) / tall) + spare;
      setSize(tall);
      setPart((before) => (before[0] === first && before[1] === last ? before : [first, last]));
    };
    look();
    scroller.addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      scroller.removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [height, narrow]);
  const first = Math.min(part[0], Math.max(0, items.length - 1));
  const shown = items.slice(first, part[1]);
  const below = items.length - first - shown.length;
  return html`
    <tbody ref=${body}>
      ${first > 0 && html`<tr class="spacer" aria-hidden="true" key="above"><td colspan=${columns} style=${{ height: `${first * size}px` }}></td></tr>`}
      ${shown.map((item, i) => row(item, first + i))}
      ${below > 0 && html`<tr class="spacer" aria-hidden="true" key="below"><td colspan=${columns} style=${{ height: `${below * size}px` }}></td></tr>`}
    </tbody>
  `;
}
