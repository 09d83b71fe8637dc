// things are parts of the configuration in Traefik's shape, by protocol and kind.
import { useAnswer } from "../../ask.js";
import { routes } from "../../state.js";

const pause = 5000; // between two looks at servers' health

// useThings gives {items, problem, retry}; items is null before they are known.
export function useThings(protocol, kind) {
  const { answer, retry } = useAnswer(`/api/${protocol}/${kind}?per_page=10000`, { anew: routes.value, every: pause });
  return { items: answer?.ok ? answer.body : null, problem: answer && !answer.ok ? problemOf(answer) : null, retry };
}

// useThing gives one of them: {item, gone, problem}; item is null before it is known.
export function useThing(protocol, kind, name) {
  const { items, problem } = useThings(protocol, kind);
  const item = items?.find((thing) => thing.name === name) ?? null;
  return { item, gone: Boolean(items && !item), problem };
}

const problemOf = ({ problem }) => ({ ...problem, detail: problem.message ?? problem.detail });

// withProvider is a name as the API has it: with that of the thing which names it.
export const withProvider = (name, by) => (name.includes("@") ? name : name + by.slice(by.lastIndexOf("@")));

// settingsOf is the one field that says what a service or middleware does.
export function settingsOf(thing) {
  const field = Object.keys(thing).find((key) => key.toLowerCase() === thing.type) ?? Object.keys(thing).find((key) => typeof thing[key] === "object" && !["origin", "usedBy", "serverStatus", "using", "error", "tls"].includes(key));
  return field ? { field, settings: thing[field] } : { field: thing.type ?? "", settings: {} };
}
