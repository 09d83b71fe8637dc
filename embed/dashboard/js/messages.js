// messages reads a topic: a page of it, older pages, and what comes next, live.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { watch } from "./live.js";

const pageSize = 100;
const most = 2000; // messages of a list: older ones go, and can be read again
const flushEvery = 200; // milliseconds
const settle = 250; // after the last change of a filter

export const idOf = (m) => `${m.partition}:${m.offset}`;
export const apiOf = (topic) => "/api/topics/" + encodeURIComponent(topic);

// wantedOf is what an address asks for, as the API takes it.
export function wantedOf(query) {
  const wanted = {};
  for (const name of ["key", "header", "path", "partition", "offset", "order"]) if (query.get(name)) wanted[name] = query.get(name);
  if (query.get("q")) wanted.text = query.get("q");
  for (const name of ["time", "until"]) {
    const at = new Date(query.get(name) ?? "");
    if (!Number.isNaN(+at)) wanted[name] = at.toISOString();
  }
  return wanted;
}

// canFollow tells whether what is wanted ends at the newest message.
export const canFollow = ({ order, offset, time, until }) => (order ? order === "newest" : !offset && !time) && !until;

const nothing = { items: null, next: "", searched: 0, waiting: [], left: 0, problem: null, busy: true, ended: "" };

// useMessages gives {items, next, searched, through, stopped, waiting, left,
// problem, busy, ended, older, show}. items is null before the first answer; what
// comes while held waits.
export function useMessages(topic, wanted, live, held) {
  const [state, setState] = useState(nothing);
  const text = JSON.stringify(wanted);
  const latest = useRef({});
  latest.current = { held };
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    setState((before) => ({ ...before, busy: true }));
    const timer = setTimeout(async () => {
      const answer = await get(`${apiOf(topic)}/messages?${new URLSearchParams({ ...wanted, limit: pageSize })}`);
      if (gone) return;
      if (!answer.ok) return setState({ ...nothing, busy: false, problem: answer.problem });
      setState({ ...nothing, ...answer.body, busy: false });
      if (live) stop = follow(topic, wanted, answer.body.end, setState, latest);
    }, latest.current.begun ? settle : 0);
    latest.current.begun = true;
    return () => {
      gone = true;
      clearTimeout(timer);
      stop();
    };
  }, [topic, text, live]);
  useEffect(() => {
    if (!held) setState(release);
  }, [held]);
  const older = useMemo(() => async (next) => {
    setState((before) => ({ ...before, busy: true }));
    const answer = await get(`${apiOf(topic)}/messages?${new URLSearchParams({ ...wanted, limit: pageSize, after: next })}`);
    setState((before) => {
      if (before.next !== next) return before;
      if (!answer.ok) return { ...before, busy: false, problem: answer.problem };
      const { items, searched, ...rest } = answer.body;
      return { ...before, ...rest, busy: false, items: [...before.items, ...items], searched: before.searched + searched };
    });
  }, [topic, text]);
  return { ...state, older, show: () => setState(release) };
}

// follow adds what comes. What was left out is said where it would have been.
function follow(topic, { key, header, path, text, partition }, end, setState, latest) {
  let at = end;
  let came = [];
  let timer = 0;
  const flush = () => {
    timer = 0;
    const fresh = came.reverse();
    const left = fresh.reduce((n, m) => n + (m.gap ?? 0), 0);
    came = [];
    setState((before) => {
      const waiting = { ...before, left: before.left + left, waiting: [...fresh, ...before.waiting].slice(0, most) };
      return latest.current.held ? waiting : release(waiting);
    });
  };
  const query = () => Object.fromEntries(Object.entries({ topic, key, header, path, text, partition, from: at }).filter(([, value]) => value));
  const stop = watch("tail", query, (batch) => {
    at = batch.at;
    const left = batch.left + batch.unread;
    if (left) came.push({ gap: left, id: at });
    came.push(...batch.items);
    if (came.length) timer ||= setTimeout(flush, flushEvery);
  }, (reason) => setState((before) => ({ ...before, ended: reason || "the server ended it" })));
  return () => {
    clearTimeout(timer);
    stop();
  };
}

// release shows what waited, and drops what is too old to keep: reading on begins
// where the dropped ones ended.
function release(state) {
  if (!state.waiting.length) return state;
  const all = [...state.waiting, ...state.items];
  return { ...state, waiting: [], items: all.slice(0, most), next: nextOf(state.next, all.slice(most)) };
}

// nextOf is the cursor that reads the dropped messages again: below the newest of
// each partition.
export function nextOf(next, dropped) {
  if (!dropped.length) return next;
  const bounds = new Map(next.split(",").slice(1).map((place) => place.split(":").map(Number)));
  for (const m of dropped.toReversed()) if (!m.gap) bounds.set(m.partition, m.offset + 1);
  return ["older", ...[...bounds].map(([id, at]) => `${id}:${at}`)].join(",");
}
