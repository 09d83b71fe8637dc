// stablelist keeps a live list still while somebody reads it: under the pointer, or
// scrolled down. What is new waits.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

// useStableList gives {held, bind}: bind is for the element around the list.
export function useStableList() {
  const [hover, setHover] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const at = useRef(null);
  useEffect(() => {
    const scroller = at.current?.closest(".split-list, main");
    if (!scroller) return;
    const look = () => setScrolled(scroller.scrollTop > 40);
    scroller.addEventListener("scroll", look, { passive: true });
    return () => scroller.removeEventListener("scroll", look);
  }, []);
  const top = useCallback(() => at.current?.closest(".split-list, main")?.scrollTo({ top: 0 }), []);
  return { held: hover || scrolled, top, bind: { ref: at, onMouseEnter: () => setHover(true), onMouseLeave: () => setHover(false) } };
}

// emptyList is what a list shows, and what waits: both by id. It is plain data.
export const emptyList = { shown: null, waiting: new Map() };

const most = 300; // items of a list

// mergeItems adds what came: it is shown at once, or waits while the list is held.
// What is shown already changes in its place.
export function mergeItems({ shown, waiting }, items, { id, newest, held, snapshot }) {
  if (!shown || (snapshot && !held)) return { shown: items, waiting: new Map() };
  const came = new Map(items.map((item) => [id(item), item]));
  const kept = shown.map((item) => {
    const next = came.get(id(item)) ?? item;
    came.delete(id(item));
    return next;
  });
  const wait = new Map([...waiting, ...came]);
  if (held) return { shown: kept, waiting: wait };
  return { shown: [...wait.values(), ...kept].sort(newest).slice(0, most), waiting: new Map() };
}
