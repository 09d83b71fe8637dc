// ask reads an address of the API and keeps what it says current.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";

// useAnswer gives the answer to path, null before the first; "" asks nothing. It is
// asked again whenever anew changes, and, where every is given, after so many
// milliseconds while the page is in sight. The last good answer outlives a bad one.
export function useAnswer(path, { anew, every = 0 } = {}) {
  const [got, setGot] = useState({ path: "", answer: null });
  const [turn, next] = useState(0);
  useEffect(() => {
    if (!path) return;
    let gone = false;
    get(path).then((answer) => {
      if (!gone) setGot((before) => ({ path, answer: !answer.ok && before.path === path && before.answer?.ok && answer.status === 0 ? before.answer : answer }));
    });
    return () => (gone = true);
  }, [path, anew, turn]);
  useEffect(() => {
    if (!path || !every) return;
    const timer = setInterval(() => document.hidden || next((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [path, every]);
  return { answer: got.path === path ? got.answer : null, retry: () => next((n) => n + 1) };
}
