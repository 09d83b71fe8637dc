// project-rules are the graph service's own rules for a project, so that a form can
// tell what is wrong before the service has to.

const maxConfig = 32 << 10; // bytes of JSON
const maxDepth = 64;
const notObject = 'This is not a JSON object, such as {"title": "Hello"}.';

// checkProject gives what is wrong by field; config is the text that was typed.
export function checkProject({ name, config }) {
  const found = {};
  if (!name.trim()) found.name = "Give the project a name.";
  if ([...name.trim()].length > 80) found.name = "Use at most 80 characters.";
  const value = config.trim() ? parseConfig(config) : {};
  if (value === undefined) found.config = notObject;
  else if (new TextEncoder().encode(JSON.stringify(value)).length > maxConfig) found.config = "Use at most 32 KB of JSON.";
  else if (depthOf(value) > maxDepth) found.config = `Nest it at most ${maxDepth} deep.`;
  return found;
}

// parseConfig gives the object that text holds, or undefined.
export function parseConfig(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const depthOf = (value) => (value && typeof value === "object" ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0);
