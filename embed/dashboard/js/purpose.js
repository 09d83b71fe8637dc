// purpose says what a topic is for: its name tells.
export function purpose(name) {
  if (name.endsWith(".dlq")) return "dead letters";
  if (name.endsWith(".reply")) return "replies";
  if (name === "axion.events") return "client events";
  if (name.startsWith("__")) return "broker's own";
  if (/^axion\..+\.events$/.test(name)) return "history";
  if (/^[a-z]+-service\.[a-z-]+$/.test(name)) return "one request, as NestJS names it";
  return "commands and events";
}
