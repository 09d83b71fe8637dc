// live keeps the WebSocket to the dashboard's server: a snapshot at first, then
// each change. A lost connection is opened again, ever more slowly.
import { batch } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import * as state from "./state.js";
import { addEvent, reload } from "./events.js";

const firstWait = 500;
const lastWait = 8000;

const states = { system: state.system, routes: state.routes, topics: state.topics, services: state.services, link: state.link };

let socket = null;
let wait = firstWait;
let timer = 0;

// connect opens the connection now, whatever the wait was.
export function connect() {
  clearTimeout(timer);
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/ws`);
  socket.onopen = opened;
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = disconnected;
}

function opened() {
  wait = firstWait;
  state.connection.value = { state: "open", retryAt: 0, since: Date.now() };
  reload();
  for (const watch of subscriptions.values()) subscribe(watch);
}

function disconnected() {
  const before = state.connection.value;
  const since = before.state === "lost" ? before.since : Date.now();
  state.connection.value = { state: "lost", retryAt: Date.now() + wait, since };
  timer = setTimeout(connect, wait);
  wait = Math.min(wait * 2, lastWait);
}

function receive(message) {
  const { kind, data } = message;
  if (kind === "watch") return dispatch(message);
  if (kind === "event") return addEvent(data);
  const changes = kind === "snapshot" ? data : { [kind]: data };
  batch(() => {
    for (const [name, value] of Object.entries(changes)) {
      if (name in states) states[name].value = keepItems(states[name].value, value);
    }
  });
}

// keepItems leaves a list as it was where its source could not be asked.
const keepItems = (before, value) => (value.error && before?.items ? { ...value, items: before.items } : value);

// Watches of channels, by their number. Each is sent again once the connection is back.
const subscriptions = new Map();
let lastWatch = 0;

// watch receives a channel until the function that it returns is called: onData gets
// each message, onEnd the reason where the server ends it. query may be a function,
// which is called again at each reconnection: so a watch goes on where it was.
export function watch(channel, query, onData, onEnd = () => {}) {
  const id = ++lastWatch;
  const it = { id, channel, query, onData, onEnd };
  subscriptions.set(id, it);
  subscribe(it);
  return () => {
    if (subscriptions.delete(id) && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ unwatch: id }));
  };
}

function subscribe({ id, channel, query }) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ watch: id, channel, query: typeof query === "function" ? query() : query }));
}

function dispatch({ id, data, error, ended }) {
  const it = subscriptions.get(id);
  if (!it) return;
  if (!ended) return it.onData(data);
  subscriptions.delete(id);
  it.onEnd(error ?? "");
}

// useChannel watches a channel while the component is there. query is compared by
// its values; onData and onEnd may change from one rendering to the next.
export function useChannel(channel, query, onData, onEnd) {
  const latest = useRef({});
  latest.current = { onData, onEnd };
  useEffect(
    () => watch(channel, query, (data) => latest.current.onData(data), (reason) => latest.current.onEnd?.(reason)),
    [channel, JSON.stringify(query)],
  );
}
