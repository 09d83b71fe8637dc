// json reads JSON for people: numbers as they were written, and where in a value
// a text is. It is plain data in, plain data out.

// Exact is a number that JavaScript cannot hold as it was written.
class Exact {
  constructor(source) {
    this.source = source;
  }
}

const keepExact = (_key, value, context) =>
  typeof value === "number" && context?.source !== undefined && String(value) !== context.source && !same(value, context.source)
    ? new Exact(context.source)
    : value;

// same tells whether source only writes the number in another way, as 1.50 does.
const same = (value, source) => Number.isFinite(value) && (Number.isSafeInteger(value) || (!Number.isInteger(value) && source.length <= 15));

// parse gives the value of a JSON text, or undefined where it is none.
export function parse(text) {
  try {
    return JSON.parse(text, keepExact);
  } catch {
    return undefined;
  }
}

// isBranch tells whether a value has others in it.
export const isBranch = (value) => value !== null && typeof value === "object" && !(value instanceof Exact);

// written is a value that is no branch, as JSON.
export const written = (value) => (value instanceof Exact ? value.source : JSON.stringify(value));

export const entriesOf = (value) => (Array.isArray(value) ? value.map((item, i) => [i, item]) : Object.entries(value));

// nested tells whether a value is nested more than so many levels deep.
export function nested(value, most) {
  let level = [value];
  for (let depth = 0; level.length; depth++) {
    if (depth > most) return true;
    level = level.flatMap((v) => (isBranch(v) ? Object.values(v) : []));
  }
  return false;
}

const mostVisited = 50_000; // values that one search looks at

// search finds text in keys and values. It gives the paths of what holds it, and
// of all around those, and how many there are; null where text is empty.
export function search(value, text) {
  if (!text) return null;
  const wanted = text.toLowerCase();
  const found = { paths: new Set(), count: 0 };
  let left = mostVisited;
  const look = (name, value, path) => {
    if (--left < 0) return false;
    let hit = String(name).toLowerCase().includes(wanted);
    if (!isBranch(value)) hit = hit || written(value).toLowerCase().includes(wanted);
    if (hit) found.count++;
    if (isBranch(value)) for (const [key, item] of entriesOf(value)) hit = look(key, item, `${path}/${key}`) || hit;
    if (hit) found.paths.add(path);
    return hit;
  };
  look("", value, "");
  return found;
}

// branches counts the values in a value that have others in them, up to a few.
export function branches(value, most = 4) {
  let n = 0;
  const look = (value) => {
    if (!isBranch(value) || ++n >= most) return;
    for (const [, item] of entriesOf(value)) look(item);
  };
  look(value);
  return n;
}
