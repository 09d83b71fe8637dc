// schema reads JSON Schema as OpenAPI documents use it: an example of a value, and
// what is wrong with one. It is plain data in, plain data out, and only helps who
// types: the service decides.

import { plural } from "./text.js";

const deepest = 8; // of what refers to itself

// resolve follows a $ref within the document.
export function resolve(schema, doc) {
  for (let hops = 0; schema?.$ref && hops < deepest; hops++) {
    schema = schema.$ref.split("/").slice(1).reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], doc);
  }
  return schema && typeof schema === "object" ? schema : {};
}

const typeOf = (schema) => [schema.type].flat().find((t) => t && t !== "null") ?? (schema.properties ? "object" : schema.items ? "array" : undefined);

// whole merges allOf, and takes the first of anyOf and oneOf.
function whole(schema, doc, depth) {
  const s = resolve(schema, doc);
  const parts = [...(s.allOf ?? []), ...(s.oneOf ?? s.anyOf ?? []).slice(0, 1)];
  if (!parts.length || depth > deepest) return s;
  return parts.map((part) => whole(part, doc, depth + 1)).reduce((all, part) => ({ ...all, ...part, properties: { ...all.properties, ...part.properties }, required: [...(all.required ?? []), ...(part.required ?? [])] }), s);
}

const formats = { uuid: "00000000-0000-7000-8000-000000000000", "date-time": "2026-01-31T12:00:00Z", date: "2026-01-31", email: "someone@example.com", uri: "https://example.com" };

// exampleOf gives a value that a schema allows: its own example, default or first
// choice, else the plainest, with no field that may be left out.
export function exampleOf(schema, doc, depth = 0) {
  const s = whole(schema, doc, 0);
  const given = s.example ?? s.examples?.[0] ?? s.default ?? s.const ?? s.enum?.[0];
  if (given !== undefined) return given;
  switch (typeOf(s)) {
    case "object":
      if (depth > 3) return {};
      return Object.fromEntries(Object.entries(s.properties ?? {}).filter(([name]) => s.required?.includes(name) && name !== "$schema").map(([name, part]) => [name, exampleOf(part, doc, depth + 1)]));
    case "array":
      return depth > 3 || !s.minItems ? [] : [exampleOf(s.items ?? {}, doc, depth + 1)];
    case "integer":
    case "number":
      return s.minimum ?? 0;
    case "boolean":
      return false;
    case "string":
      return formats[s.format] ?? "text".padEnd(Math.min(s.minLength ?? 0, 64), "x");
  }
  return {};
}

// optionalOf names the fields of an object that may be left out.
export function optionalOf(schema, doc) {
  const s = whole(schema, doc, 0);
  return Object.entries(s.properties ?? {}).filter(([name, part]) => name !== "$schema" && !s.required?.includes(name) && !resolve(part, doc).readOnly).map(([name]) => name);
}

const kinds = {
  object: (v) => v !== null && typeof v === "object" && !Array.isArray(v),
  array: Array.isArray,
  integer: Number.isInteger,
  number: (v) => typeof v === "number",
  boolean: (v) => typeof v === "boolean",
  string: (v) => typeof v === "string",
};

// faultsOf tells what is wrong with a value: [{at, what}], at being a JSON pointer.
export function faultsOf(value, schema, doc, at = "", depth = 0) {
  const s = resolve(schema, doc);
  if (depth > deepest) return [];
  const own = ownFault(value, s);
  if (own) return [{ at, what: own }];
  if (value === null || value === undefined) return [];
  const below = (s.allOf ?? []).flatMap((part) => faultsOf(value, part, doc, at, depth + 1));
  if (kinds.object(value) && typeOf(s) === "object") {
    for (const name of s.required ?? []) if (!(name in value)) below.push({ at: `${at}/${name}`, what: "is missing" });
    for (const [name, part] of Object.entries(value)) {
      if (s.properties?.[name]) below.push(...faultsOf(part, s.properties[name], doc, `${at}/${name}`, depth + 1));
      else if (s.additionalProperties === false && name !== "$schema") below.push({ at: `${at}/${name}`, what: "is not known here" });
    }
  }
  if (Array.isArray(value) && s.items) value.forEach((item, i) => below.push(...faultsOf(item, s.items, doc, `${at}/${i}`, depth + 1)));
  return below;
}

function ownFault(value, s) {
  if (value === null && ([s.type].flat().includes("null") || s.nullable)) return "";
  const types = [s.type].flat().filter((t) => t && t !== "null");
  if (types.length && !types.some((t) => kinds[t]?.(value) ?? true)) return `must be of type ${types.join(" or ")}`;
  if (s.enum && !s.enum.includes(value)) return `must be one of ${s.enum.join(", ")}`;
  if (typeof value === "number") {
    if (value < s.minimum) return `must be at least ${s.minimum}`;
    if (value > s.maximum) return `must be at most ${s.maximum}`;
  }
  if (typeof value === "string") return textFault(value, s);
  if (Array.isArray(value)) {
    if (value.length < s.minItems) return `needs ${plural(s.minItems, "item")} at least`;
    if (value.length > s.maxItems) return `may have ${plural(s.maxItems, "item")} at most`;
  }
  return "";
}

function textFault(value, s) {
  if ([...value].length < s.minLength) return `needs ${plural(s.minLength, "character")} at least`;
  if ([...value].length > s.maxLength) return `may have ${plural(s.maxLength, "character")} at most`;
  if (s.format === "uuid" && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) return "must be a UUID";
  if (s.format === "date-time" && Number.isNaN(Date.parse(value))) return "must be a time, such as 2026-01-31T12:00:00Z";
  if (s.pattern && value.length < 1000 && !matches(value, s.pattern)) return `must match ${s.pattern}`;
  return "";
}

// matches takes what this browser cannot read as a pattern for a match.
function matches(value, pattern) {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

// paramFault is what is wrong with a parameter as it was typed; "" where nothing is.
export function paramFault(text, { required, schema = {} }, doc) {
  if (text === "") return required ? "is needed" : "";
  const s = resolve(schema, doc);
  const type = typeOf(s);
  const value = type === "integer" || type === "number" ? Number(text) : type === "boolean" ? text === "true" : text;
  if (Number.isNaN(value)) return `must be of type ${type}`;
  return type === "array" || type === "object" ? "" : ownFault(value, s);
}
