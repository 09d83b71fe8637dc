// keys: "/" or Ctrl-K goes to the search, "f" to the page's filter, "g" and a
// page's letter to that page, "?" lists the keys, Escape closes what is open.
import { go, segments, hrefTo } from "./address.js";
import { pages } from "./pages.js";
import { panel, toggle } from "./panel.js";

let after = "";

export function followKeys() {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") return focus(event, "[data-search]");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return typing ? typing.blur() : close();
    if (typing) return;
    const before = after;
    after = event.key;
    if (before === "g") {
      after = "";
      return openPage(event.key);
    }
    if (event.key === "/") focus(event, "[data-search]");
    if (event.key === "f") focus(event, "[data-filter]");
    if (event.key === "?") toggle("help");
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
  });
}

function focus(event, what) {
  const field = document.querySelector(what);
  if (field) event.preventDefault();
  field?.focus();
  field?.select();
}

function close() {
  const detail = document.querySelector("main a.detail-close");
  if (panel.value) panel.value = "";
  else if (detail) detail.click();
  else if (segments.value.length > 1) go(hrefTo(segments.value[0]));
}

function openPage(key) {
  const page = pages.find((p) => p.key === key);
  if (page) go(page.path);
}

// move puts the focus on the next or previous item of the page's list.
function move(step) {
  const items = [...document.querySelectorAll("[data-item]")];
  const at = items.indexOf(document.activeElement);
  items[Math.min(Math.max(at + step, 0), items.length - 1)]?.focus();
}
