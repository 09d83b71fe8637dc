// address is where the reader is. Pages read it and change it through go and
// setQuery; back and forward work because nothing else holds the place.
import { signal, computed } from "@preact/signals";

const here = signal(location.href);

export const path = computed(() => new URL(here.value).pathname);
export const query = computed(() => new URL(here.value).searchParams);
export const fragment = computed(() => new URL(here.value).hash);

// segments of the path, decoded: "/topics/axion.events" is ["topics", "axion.events"].
export const segments = computed(() =>
  path.value.split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  }),
);

// go opens an address of the dashboard.
export function go(href) {
  history.pushState(null, "", href);
  here.value = location.href;
}

// setQuery changes filters in place: typing does not fill the history.
export function setQuery(name, value) {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  history.replaceState(null, "", url);
  here.value = location.href;
}

// setAll is setQuery for a name that may be there several times.
export function setAll(name, values) {
  const url = new URL(location.href);
  url.searchParams.delete(name);
  for (const value of [values].flat()) if (value) url.searchParams.append(name, value);
  history.replaceState(null, "", url);
  here.value = location.href;
}

// hrefTo is the address of an item on a page, filters kept.
export function hrefTo(...parts) {
  const search = new URL(here.value).search;
  return "/" + parts.map(encodeURIComponent).join("/") + search;
}

// followLinks opens the dashboard's own links without loading the page anew.
export function followLinks() {
  addEventListener("popstate", () => (here.value = location.href));
  addEventListener("click", (event) => {
    const a = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!a || !plain || event.defaultPrevented || a.target || a.download || a.origin !== location.origin) return;
    event.preventDefault();
    if (a.href !== location.href) go(a.href);
  });
}
