// services tells which there are: those of the compose file, those built in, others of
// the user's own by the routing table, the processes of deployed projects, and who else
// takes part in what flows. It is plain data in, plain data out.

const states = { running: "healthy", starting: "starting", unhealthy: "unhealthy", restarting: "starting", failed: "unhealthy" };

// servicesOf lists {name, group, state, detail, base, routes, composed, part, runtime,
// peer}. Composed are the services of the compose file. Balancers are the gateway's
// services, which tell whose health is checked; map is what flows.
export function servicesOf(system, { items: routes, problems }, runtimes, balancers, map, composed) {
  const yours = composed.map((s) => {
    const to = routesOf(routes, s.name);
    return { name: s.name, group: "Yours", state: s.state, detail: s.detail ?? "", base: baseOf(to, system), routes: to, composed: s, servers: to.length ? serversOf(to) : undefined };
  });
  const named = new Set(composed.map((s) => s.name));
  const parts = (system?.parts ?? []).filter((part) => part.kind === "service" && !named.has(part.name));
  const builtin = parts.map((part) => ({ name: part.name, group: "Built in", state: part.state, detail: part.detail, base: part.url ?? "", routes: routesOf(routes, part.name), part }));
  const projects = runtimes.map((r) => ({
    name: r.slug, group: "Projects", state: states[r.state] ?? r.state, detail: r.error || (r.state === "running" ? "" : r.state), base: r.url.replace(/\/$/, ""),
    routes: routes.filter((route) => route.rule.includes("`" + hostOf(r.url) + "`")), runtime: r,
  }));
  const taken = new Set([...named, ...parts.map((part) => part.name), ...projects.flatMap((p) => p.routes.map((route) => route.origin.service))]);
  const others = [...new Set(routes.filter((r) => r.origin.file !== "embedded").map((r) => r.origin.service))].filter((name) => name && !taken.has(name));
  const wrong = problems.filter((p) => p.severity === "error" && p.service && !taken.has(p.service) && !others.includes(p.service));
  const broken = [...new Map(wrong.map((p) => [p.service, p])).values()].map((p) => ({ name: p.service, group: "Yours", state: "unhealthy", detail: `its labels are left out: ${p.message}`, base: "", routes: [], problem: p }));
  const listed = [...yours, ...broken, ...others.map((name) => foreign(name, routesOf(routes, name), system, balancers)), ...builtin, ...projects];
  return [...listed, ...peersOf(map, new Set([...taken, ...listed.map((service) => service.name)]))];
}

// usage sums what the instances of a service of the compose file take: {restarts,
// startedAt, cpu, memory}. What nothing measures is undefined, startedAt empty where none
// runs.
export function usage({ instances }) {
  const sum = (name) => (instances.some((i) => i[name] !== undefined) ? instances.reduce((n, i) => n + (i[name] ?? 0), 0) : undefined);
  const times = instances.filter((i) => i.pid).map((i) => i.startedAt).sort();
  return { restarts: sum("restarts"), startedAt: times[0] ?? "", cpu: sum("cpu"), memory: sum("memory") };
}

// providers are the words for who provides a service of the compose file.
export const providers = { axion: "axion itself", provided: "provided", process: "process", container: "container", yours: "you" };

// peersOf are those who read and write topics, or send traces, and whom nothing else
// tells of.
function peersOf(map, known) {
  const peers = (map?.nodes ?? []).filter((node) => !known.has(node.name) && node.id !== anybody && (node.kind === "peer" || (node.kind === "service" && node.state === "unknown")));
  return peers.map((node) => {
    const edges = map.edges.filter((edge) => edge.hop === "kafka");
    const peer = {
      reads: edges.filter((edge) => edge.to === node.id).map((edge) => edge.from.replace(/^topic\//, "")),
      writes: edges.filter((edge) => edge.from === node.id).map((edge) => edge.to.replace(/^topic\//, "")),
      traced: node.detail === "sends traces",
    };
    return { name: node.name, group: "Elsewhere", state: "unwatched", detail: peer.reads.length ? "reads Kafka" : (node.detail ?? ""), base: "", routes: [], peer };
  });
}

// anybody is the map's node for whoever produces and is not known by name.
export const anybody = "peer/other producers";

const routesOf = (routes, service) => routes.filter((route) => route.origin.service === service);

const hostOf = (url) => {
  try {
    return new URL(url).hostname;
  } catch {
    return "";
  }
};

const serversOf = (routes) => [...new Map(routes.flatMap((r) => r.servers).map((s) => [s.url, s])).values()];

function foreign(name, routes, system, balancers) {
  const checked = balancers.some((b) => b.loadBalancer?.healthCheck && routes.some((r) => b.name.split("@")[0] === r.service.split("@")[0]));
  const servers = serversOf(routes);
  const down = servers.filter((s) => s.status !== "UP").length;
  const state = !servers.length || down === servers.length ? "unhealthy" : down ? "warning" : checked ? "healthy" : "unwatched";
  const detail = !servers.length ? "no server: is its port given?" : down ? `${down} of ${servers.length} servers down` : "";
  return { name, group: "Yours", state, detail, servers, base: baseOf(routes, system), routes };
}

// baseOf is the address of the first route that is as plain as a host.
function baseOf(routes, system) {
  for (const tls of [true, false]) {
    const host = routes.filter((r) => r.tls === tls).map((r) => /^Host\(`([^`]+)`\)$/.exec(r.rule)?.[1]).find(Boolean);
    const at = system?.addresses[tls ? "https" : "http"];
    if (host && at) {
      const url = new URL(at);
      url.hostname = host;
      return url.origin;
    }
  }
  return "";
}
