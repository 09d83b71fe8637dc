// topicKind is what a topic is for, by its name.
export function topicKind(name) {
  if (name.endsWith(".dlq")) return "dead letters";
  if (name.endsWith(".reply")) return "replies";
  if (name === "axion.events") return "client events";
  if (name.startsWith("__")) return "broker's own";
  if (/^axion\..+\.events$/.test(name)) return "history";
  if (/^[a-z]+-service\.[a-z-]+$/.test(name)) return "one request, as NestJS names it";
  return "commands and events";
}
