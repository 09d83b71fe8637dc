// live keeps the WebSocket to the dashboard's server: a snapshot at first, then
// each change. A lost connection is opened again, ever more slowly.
import { batch } from "@preact/signals";
import * as state from "./state.js";
import { addEvent, reload } from "./events.js";

const firstWait = 500;
const lastWait = 8000;

const states = { system: state.system, routes: state.routes, topics: state.topics, link: state.link };

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
  socket.onclose = lost;
}

function opened() {
  wait = firstWait;
  state.connection.value = { state: "open", retryAt: 0, since: Date.now() };
  reload();
}

function lost() {
  const before = state.connection.value;
  const since = before.state === "lost" ? before.since : Date.now();
  state.connection.value = { state: "lost", retryAt: Date.now() + wait, since };
  timer = setTimeout(connect, wait);
  wait = Math.min(wait * 2, lastWait);
}

function receive({ kind, data }) {
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
