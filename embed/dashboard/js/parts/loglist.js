// LogList shows log lines, of which only those in sight are in the document. It follows
// the newest while it is scrolled to its end, and keeps its place elsewhere.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { count } from "../text.js";

const spare = 20; // lines beyond what is in sight
const slack = 8; // pixels from the end that still count as there

// LogList's lines have a seq that grows. All have one height, in pixels; narrow is that
// in a list of less than 560 px. row makes one of a line.
export function LogList({ lines, label, height, narrow = height, row }) {
  const scroller = useRef(null);
  const [seen, setSeen] = useState({ top: 0, room: 800, tall: height });
  const [left, setLeft] = useState(0); // the newest seq when the end was left; 0 while it follows
  const before = useRef(lines);
  const look = () => {
    const at = scroller.current;
    const tall = at.clientWidth < 560 ? narrow : height;
    setSeen((s) => (s.top === at.scrollTop && s.room === at.clientHeight && s.tall === tall ? s : { top: at.scrollTop, room: at.clientHeight, tall }));
  };
  const scrolled = () => {
    const at = scroller.current;
    const end = at.scrollTop + at.clientHeight >= at.scrollHeight - slack;
    setLeft((seq) => (end ? 0 : seq || (lines.at(-1)?.seq ?? 0)));
    look();
  };
  useEffect(() => {
    const watcher = new ResizeObserver(() => {
      look();
      if (!left) scroller.current.scrollTop = scroller.current.scrollHeight;
    });
    watcher.observe(scroller.current);
    return () => watcher.disconnect();
  }, [left, height, narrow]);
  useLayoutEffect(() => {
    const gone = left ? goneOf(before.current, lines) : 0;
    before.current = lines;
    if (!left) scroller.current.scrollTop = scroller.current.scrollHeight;
    else if (gone > 0) scroller.current.scrollTop -= gone * seen.tall;
    look();
  }, [lines]);
  const toEnd = () => {
    setLeft(0);
    scroller.current.scrollTop = scroller.current.scrollHeight;
  };
  const first = Math.max(0, Math.min(Math.floor(seen.top / seen.tall) - spare, lines.length - 1));
  const last = Math.min(lines.length, Math.ceil((seen.top + seen.room) / seen.tall) + spare);
  const news = left ? newsOf(lines, left) : 0;
  return html`
    <div class="log-list">
      <div class="log-scroller" ref=${scroller} onScroll=${scrolled} tabindex="0" role="log" aria-label=${label} aria-live="off">
        <div class="log-lines-all" style=${{ height: `${lines.length * seen.tall}px` }}>
          <div class="log-lines-seen" style=${{ transform: `translateY(${first * seen.tall}px)` }}>${lines.slice(first, last).map(row)}</div>
        </div>
      </div>
      ${left > 0 && html`<button type="button" class="button log-end" onClick=${toEnd}>${news ? `${count(news)} new` : "To the end"} ↓</button>`}
    </div>
  `;
}

// goneOf is how many lines made room at the beginning.
function goneOf(before, lines) {
  if (before === lines || !lines.length) return 0;
  const at = before.findIndex((line) => line.seq === lines[0].seq);
  return Math.max(at, 0);
}

const newsOf = (lines, seq) => lines.length - (lines.findLastIndex((line) => line.seq <= seq) + 1);
