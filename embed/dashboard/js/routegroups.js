// routegroups arranges the gateway's routers for a reader: the user's own, then those
// built in, each group as it is tried. It is plain data in, plain data out.

// routeGroups gives {own, builtin}, lists of {route, twin}. A twin serves without
// TLS what the router above it serves with: it mostly redirects there.
export function routeGroups(routes) {
  const builtin = (route) => route.origin.file === "embedded";
  return { own: arrange(routes.filter((r) => !builtin(r))), builtin: arrange(routes.filter(builtin)) };
}

function arrange(routes) {
  const tried = routes.toSorted((a, b) => b.priority - a.priority);
  const rows = tried.map((route) => ({ route, twin: tried.some((other) => twins(route, other)) }));
  // A twin comes right after the router that it belongs to. They listen at
  // different entry points, so that neither is tried before the other.
  return rows
    .filter((row) => !row.twin)
    .flatMap((row) => [row, ...rows.filter((other) => other.twin && twins(other.route, row.route))]);
}

// twins tells whether plain only repeats secured. One that has a problem does not.
const twins = (plain, secured) =>
  !plain.tls && secured.tls && plain.status === "enabled" &&
  plain.rule === secured.rule && plain.service === secured.service && plain.priority === secured.priority;
