// openapi finds a service's OpenAPI document and takes it apart.
import { post } from "./api.js";
import { resolve } from "./schema.js";

const places = ["/openapi.json", "/api-json", "/docs-json"]; // ours and Go's, then NestJS's
const found = new Map(); // documents by the service's address

// documentOf gives {doc, problem}: the document is asked for through the gateway.
export async function documentOf(base) {
  if (found.has(base)) return { doc: found.get(base) };
  let last = "";
  for (const place of places) {
    const answer = await post("/api/requests", { url: base + place, headers: { Accept: "application/json" } });
    if (!answer.ok) return { problem: answer.problem };
    try {
      const doc = JSON.parse(answer.body.body);
      if (answer.body.status === 200 && doc?.paths) {
        found.set(base, doc);
        return { doc };
      }
    } catch {
      // it is something else that answers there
    }
    last = answer.body.status;
  }
  return { problem: { detail: `None of ${places.join(", ")} answers with an OpenAPI document (the last with ${last}).` } };
}

const methods = ["get", "post", "put", "patch", "delete", "head", "options"];

// operationsOf lists them: {id, method, path, summary, description, params, body, auth}.
export function operationsOf(doc) {
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => {
      const op = item[method];
      const params = [...(item.parameters ?? []), ...(op.parameters ?? [])].map((p) => resolve(p, doc)).filter((p) => ["path", "query", "header"].includes(p.in));
      const content = Object.entries(resolve(op.requestBody, doc).content ?? {});
      const [type, body] = content.find(([name]) => name.includes("json")) ?? content[0] ?? [];
      return {
        id: `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        summary: op.summary ?? op.operationId ?? "",
        description: op.description ?? "",
        params: [...new Map(params.map((p) => [p.in + p.name, p])).values()],
        body: type && { type, schema: body.schema ?? {}, required: resolve(op.requestBody, doc).required },
        auth: Boolean((op.security ?? doc.security)?.length),
      };
    }),
  );
}

// urlOf is where an operation is called, with the values of its parameters.
export function urlOf(base, op, values) {
  const path = op.path.replace(/\{([^}]+)\}/g, (_, name) => encodeURIComponent(values[`path ${name}`] ?? ""));
  const search = new URLSearchParams();
  for (const p of op.params) {
    const value = values[`query ${p.name}`];
    if (p.in === "query" && value) search.append(p.name, value);
  }
  return base + path + (search.size ? "?" + search : "");
}
