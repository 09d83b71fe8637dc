// blueprints are what projects can be generated from, as codegen tells; asked for
// once.
import { signal } from "@preact/signals";
import { get } from "./api.js";

export const blueprints = signal(null); // [{name, description, files}]

let asked;

export const loadBlueprints = () => (asked ??= ask());

async function ask() {
  const answer = await get("/api/blueprints");
  if (answer.ok) blueprints.value = answer.body.items;
  else asked = undefined; // the next form asks again
}

// titleOf a blueprint is its name in words: "static-site" is "Static site".
export const titleOf = (name) => (name.startsWith("nestjs") ? "NestJS" + name.slice(6) : (name[0] ?? "").toUpperCase() + name.slice(1)).replaceAll("-", " ");
