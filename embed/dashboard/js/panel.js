// panel is what the frame shows above a page: "help", "problems", or nothing.
import { signal } from "@preact/signals";

export const panel = signal("");

export const toggle = (name) => (panel.value = panel.value === name ? "" : name);
