// fetch reads an address of the API and keeps the answer current.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";

// useFetch gives the answer to path, null before the first; "" asks nothing. It is
// asked again whenever reloadKey changes, and, where every is given, after so many
// milliseconds while the page is in sight. The last good answer outlives a bad one.
export function useFetch(path, { reloadKey, every = 0 } = {}) {
  const [got, setGot] = useState({ path: "", answer: null });
  const [turn, next] = useState(0);
  useEffect(() => {
    if (!path) return;
    let gone = false;
    get(path).then((answer) => {
      if (!gone) setGot((before) => ({ path, answer: !answer.ok && before.path === path && before.answer?.ok && answer.status === 0 ? before.answer : answer }));
    });
    return () => (gone = true);
  }, [path, reloadKey, turn]);
  useEffect(() => {
    if (!path || !every) return;
    const timer = setInterval(() => document.hidden || next((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [path, every]);
  return { answer: got.path === path ? got.answer : null, retry: () => next((n) => n + 1) };
}
