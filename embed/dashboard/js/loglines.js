// loglines keeps the newest log lines that match, live, oldest first.
import { useEffect, useRef, useState } from "preact/hooks";
import { useChannel } from "./live.js";

export const most = 5000; // lines that are kept

const typing = 200; // milliseconds: a filter that is being typed is asked for once

// useLogLines gives {lines, waiting, leftOut, stats, services, problem}; lines is null
// before the first answer, waiting how many came while paused. asked is the query of
// /api/logs.
export function useLogLines(asked, paused) {
  const [lines, setLines] = useState(null);
  const [waiting, setWaiting] = useState(0);
  const [about, setAbout] = useState({ leftOut: 0, stats: null, services: [] });
  const [problem, setProblem] = useState("");
  const came = useRef(null); // while paused: {items, snapshot}
  const held = useRef(paused);
  held.current = paused && lines !== null;
  const query = useSettled(JSON.stringify({ ...asked, limit: String(most) }));
  useEffect(() => {
    setLines(null);
    setProblem("");
    setWaiting(0);
    came.current = null;
  }, [query]);
  useChannel("logs", JSON.parse(query), ({ items, snapshot, leftOut, stats, services }) => {
    setAbout((before) => ({ leftOut: snapshot ? leftOut : before.leftOut, stats, services }));
    if (held.current) {
      const before = snapshot || !came.current ? { items: [], snapshot: snapshot ?? false } : came.current;
      came.current = { items: [...before.items, ...items].slice(-most), snapshot: before.snapshot };
      return setWaiting(came.current.items.length);
    }
    setLines((before) => (snapshot || !before ? items : [...before, ...items].slice(-most)));
  }, setProblem);
  useEffect(() => {
    if (paused || !came.current) return;
    const { items, snapshot } = came.current;
    came.current = null;
    setWaiting(0);
    setLines((before) => (snapshot || !before ? items : [...before, ...items].slice(-most)));
  }, [paused]);
  return { lines, waiting, problem, ...about };
}

// useSettled is a value that changes once it has not for a moment.
function useSettled(value) {
  const [settled, settle] = useState(value);
  useEffect(() => {
    if (value === settled) return;
    const timer = setTimeout(() => settle(value), typing);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
