// usePolled asks the API now and again while the page is in sight, and gives the
// last answer, null before the first, and a function that asks at once. A path of
// "" asks nothing.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";

export function usePolled(path, every = 3000) {
  const [answer, setAnswer] = useState(null);
  const look = useRef(() => {});
  useEffect(() => {
    setAnswer(null);
    if (!path) return;
    let gone = false;
    let timer;
    look.current = async () => {
      clearTimeout(timer);
      const next = document.hidden ? null : await get(path);
      if (gone) return;
      if (next) setAnswer(next);
      clearTimeout(timer);
      timer = setTimeout(look.current, every);
    };
    look.current();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [path, every]);
  return [answer, useCallback(() => look.current(), [])];
}
