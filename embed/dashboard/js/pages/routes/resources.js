// resources are parts of the configuration in Traefik's shape, by protocol and kind.
import { useFetch } from "../../fetch.js";
import { routes } from "../../state.js";

const pause = 5000; // between two looks at servers' health

// useResources gives {items, problem, retry}; items is null before they are known.
export function useResources(protocol, kind) {
  const { answer, retry } = useFetch(`/api/${protocol}/${kind}?per_page=10000`, { reloadKey: routes.value, every: pause });
  return { items: answer?.ok ? answer.body : null, problem: answer && !answer.ok ? problemOf(answer) : null, retry };
}

// useResource gives one of them: {item, gone, problem}; item is null before it is known.
export function useResource(protocol, kind, name) {
  const { items, problem } = useResources(protocol, kind);
  const item = items?.find((resource) => resource.name === name) ?? null;
  return { item, gone: Boolean(items && !item), problem };
}

const problemOf = ({ problem }) => ({ ...problem, detail: problem.message ?? problem.detail });

// withProvider is a name as the API has it: with that of the resource which names it.
export const withProvider = (name, by) => (name.includes("@") ? name : name + by.slice(by.lastIndexOf("@")));

// settingsOf is the one field that says what a service or middleware does.
export function settingsOf(resource) {
  const field = Object.keys(resource).find((key) => key.toLowerCase() === resource.type) ?? Object.keys(resource).find((key) => typeof resource[key] === "object" && !["origin", "usedBy", "serverStatus", "using", "error", "tls"].includes(key));
  return field ? { field, settings: resource[field] } : { field: resource.type ?? "", settings: {} };
}
