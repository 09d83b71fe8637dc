// keys: "/" goes to the page's filter, "g" and a page's letter go to that page,
// Escape closes the panel.
import { go, segments, hrefTo } from "./address.js";
import { pages } from "./pages.js";

let after = "";

export function followKeys() {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return typing ? typing.blur() : closePanel();
    if (typing) return;
    const before = after;
    after = event.key;
    if (before === "g") return openPage(event.key);
    if (event.key === "/") {
      const filter = document.querySelector("[data-filter]");
      if (filter) event.preventDefault();
      filter?.focus();
    }
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
  });
}

function closePanel() {
  if (segments.value.length > 1) go(hrefTo(segments.value[0]));
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
