// lazy is a component whose module is fetched when it is first shown.
import { useEffect, useState } from "preact/hooks";
import { html } from "../html.js";
import { connection } from "../state.js";
import { Loading, Notice } from "./notice.js";

export function lazy(what, load) {
  let loaded = null; // is there at once from the second time on
  return function Lazy(props) {
    const [View, setView] = useState(() => loaded);
    const [failed, fail] = useState(false);
    const { state } = connection.value;
    useEffect(() => {
      if (loaded) return;
      load().then((view) => (setView(() => (loaded = view)), fail(false)), () => fail(true));
    }, [state]); // once more when axion is there again
    if (failed) return html`<${Notice} tone="error" title="This part of the page could not be loaded">Is axion still running? It is tried again once it is.<//>`;
    return View ? html`<${View} ...${props} />` : html`<${Loading} what=${what} />`;
  };
}
