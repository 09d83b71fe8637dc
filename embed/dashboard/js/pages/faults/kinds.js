// kinds are the faults there are: what each does, what it needs to know, and
// where its effect can be seen. It is plain data.

const flow = (text) => "/flow?q=" + encodeURIComponent(text);
const topicAt = ({ target }) => "/topics/" + encodeURIComponent(target);

export const kinds = {
  "route-delay": {
    title: "Delay a route", on: "route", fields: ["percent", "delayMs", "jitterMs"],
    what: "The service gets each request later. The gateway and the client wait.",
    look: (f) => [["The requests that were late", flow(`delay ${f.delayMs}`)]],
  },
  "route-error": {
    title: "Answer a route with an error", on: "route", fields: ["percent", "status"],
    what: "The gateway answers with a status; the service is not asked.",
    look: (f) => [["The requests that failed", flow(`error ${f.status}`)]],
  },
  "route-drop": {
    title: "Drop a route's requests", on: "route", fields: ["percent"],
    what: "The connection, or the HTTP/2 stream, ends without an answer.",
    look: () => [["The requests without an answer", flow("drop")]],
  },
  "topic-delay": {
    title: "Delay a topic", on: "topic", fields: ["partition", "percent", "delayMs", "jitterMs"],
    what: "A produce is answered late, and so is a fetch that brings records.",
    look: (f) => [["The flows through the topic", flow(f.target)], ["The topic's messages", topicAt(f)]],
  },
  "topic-error": {
    title: "Answer a topic with an error", on: "topic", fields: ["partition", "percent", "code"],
    what: "Produces and fetches fail. Most clients try again, but not after every error. With REQUEST_TIMED_OUT the records are written all the same.",
    look: (f) => [["The flows through the topic", flow(f.target)]],
  },
  "topic-duplicate": {
    title: "Deliver a topic's records twice", on: "topic", fields: ["partition", "percent"],
    what: "Each batch is written once more, with the same keys, values and headers: consumers must not act on it twice. Batches of a transaction are not.",
    look: (f) => [["The topic's messages", topicAt(f)], ["The flows through the topic", flow(f.target)]],
  },
  "topic-drop": {
    title: "Lose a topic's records", on: "topic", fields: ["partition", "percent"],
    what: "The broker says that records are written, and loses them for good. What waits for them waits in vain.",
    look: (f) => [["What the topic holds", topicAt(f)]],
    loss: true,
  },
  "coordinator-lost": {
    title: "Lose the groups' coordinator", on: "group", fields: [],
    what: "Consumer groups find no coordinator: they can neither join nor commit, and join again afterwards.",
    look: () => [["Topics and their groups", "/topics"]],
  },
  "broker-restart": {
    title: "Restart the broker", fields: [],
    what: "The broker leaves the net for the time set, and comes back at the same address with all it held.",
    look: () => [["Whether the services are well", "/"]],
  },
};

// codes are errors of Kafka worth trying: the first are tried again by clients,
// the last are not.
export const codes = [
  "NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS", "UNKNOWN_TOPIC_OR_PARTITION",
  "TOPIC_AUTHORIZATION_FAILED", "MESSAGE_TOO_LARGE",
];

// usual are the values of an untouched form.
export const usual = { percent: "100", delayMs: "500", jitterMs: "0", status: "503", code: codes[0], partition: "", seconds: "60" };

const ranges = {
  percent: [1, 100, "percent"], delayMs: [0, 60_000, "milliseconds"], jitterMs: [0, 60_000, "milliseconds"],
  status: [400, 599, ""], partition: [0, 999, ""], seconds: [1, 3600, "seconds"],
};

// check tells what is wrong with typed values, by field; known are the targets.
export function check(typed, known) {
  const { on, fields } = kinds[typed.kind];
  const found = {};
  for (const name of [...fields, "seconds"]) {
    if (!ranges[name] || (name === "partition" && !typed.partition)) continue;
    let [least, most, unit] = ranges[name];
    if (name === "seconds" && typed.kind === "broker-restart") most = 60;
    const n = Number(typed[name]);
    if (typed[name] === "" || !Number.isInteger(n) || n < least || n > most) found[name] = `A whole number from ${least} to ${most}${unit && " " + unit}.`;
  }
  if (fields.includes("delayMs") && !found.delayMs && !found.jitterMs && Number(typed.delayMs) + Number(typed.jitterMs) === 0) found.delayMs = "At least 1 millisecond.";
  if (fields.includes("code") && !/^[A-Za-z_]+$/.test(typed.code)) found.code = "The name of a Kafka error.";
  if (on && on !== "group") {
    if (!typed.target) found.target = `Choose a ${on === "route" ? "router or a service" : "topic"}.`;
    else if (known.length && !known.includes(typed.target) && !known.includes(typed.target + "@docker")) found.target = `There is no ${on === "route" ? "router or service" : "topic"} of this name.`;
  }
  return found;
}

// orderOf is what the API takes.
export function orderOf(typed) {
  const { on, fields } = kinds[typed.kind];
  const order = { kind: typed.kind };
  if (on && typed.target) order.target = typed.target;
  for (const name of [...fields, "seconds"]) {
    if (typed[name] === "" || (name === "jitterMs" && typed[name] === "0")) continue;
    order[name] = name === "code" ? typed[name] : Number(typed[name]);
  }
  return order;
}

// curlOf does the same from a shell.
export const curlOf = (origin, order) =>
  `TOKEN=$(curl -s ${origin}/api/session | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')\n` +
  `curl -H "X-Axion-Token: $TOKEN" --json '${JSON.stringify(order).replaceAll("'", "'\\''")}' ${origin}/api/faults`;
