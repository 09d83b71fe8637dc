// frame is what surrounds every page: the rail, the strip at the top, and the
// word about a lost connection.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { segments } from "./address.js";
import { pages, pageAt } from "./pages.js";
import { connect } from "./live.js";
import { panel, toggle } from "./panel.js";
import { connection, system } from "./state.js";
import { duration, exact } from "./text.js";
import { FaultStrip } from "./parts/fault.js";
import { Icon } from "./parts/icon.js";
import { Keys, HealthSummary } from "./parts/healthsummary.js";
import { Search } from "./parts/search.js";
import { Empty } from "./parts/notice.js";

export function Frame() {
  const page = pageAt(segments.value);
  const title = page?.title ?? "Not found";
  useEffect(() => {
    document.title = `${title} · ${system.value?.name ?? "axion"}`;
  }, [title, system.value?.name]);
  return html`
    <div class="frame">
      <a class="skip" href="#content">Skip to content</a>
      <${Rail} />
      <${Strip} />
      <div class="strips"><${Lost} /><${FaultStrip} /></div>
      <main id="content" class="content" tabindex="-1">
        ${page ? html`<${page.view} key=${page.path} />` : html`<${NotFound} />`}
      </main>
      <${Keys} />
    </div>
  `;
}

const NotFound = () => html`
  <${Empty} title="There is no page here"><a href="/">Go to System</a><//>
`;

function Rail() {
  const open = pageAt(segments.value);
  return html`
    <nav class="rail" aria-label="Pages">
      <a class="brand" href="/"><img src="/icon.svg" width="20" height="20" alt="" /><span>${system.value?.name ?? "axion"}</span></a>
      ${pages.map(
        (page) => html`
          <a key=${page.path} class="rail-link" href=${page.path} aria-current=${page === open ? "page" : undefined} title=${`${page.title} (g ${page.key})`}>
            <${Icon} name=${page.icon} /><span>${page.title}</span>
          </a>
        `,
      )}
      ${system.value?.version && html`<span class="rail-version">${system.value.version}</span>`}
    </nav>
  `;
}

function Strip() {
  const stack = system.value;
  return html`
    <header class="strip">
      <span class="strip-name">${stack?.name ?? "axion"}</span>
      ${stack?.readyMs > 0 && html`<span class="muted strip-ready">ready in ${duration(stack.readyMs)}</span>`}
      <${Search} />
      <${HealthSummary} />
      <button class="icon-button strip-keys" onClick=${() => toggle("help")} aria-expanded=${panel.value === "help" ? "true" : "false"} aria-label="Keys" title="Keys (?)"><kbd>?</kbd></button>
      <${Theme} />
    </header>
  `;
}

// Lost says that what the page shows is old, and when it tries again.
function Lost() {
  const { state, retryAt, since } = connection.value;
  const [, tick] = useState(0);
  useEffect(() => {
    if (state !== "lost") return;
    const timer = setInterval(() => tick((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [state]);
  if (state !== "lost") return null;
  const left = Math.ceil((retryAt - Date.now()) / 1000);
  return html`
    <div class="lost" role="status">
      <${Icon} name="warning" />
      <span class="lost-text">
        Connection to the dashboard's server lost.
        ${system.value && html` This page is as of <span title=${exact(since)}>${new Date(since).toLocaleTimeString("en-GB")}</span>.`}
        ${" "}<span class="lost-retry">${left > 0 ? `Trying again in ${left} s.` : "Trying again…"}</span>
      </span>
      <button class="button" onClick=${connect}>Try now</button>
    </div>
  `;
}

const themes = { auto: ["auto", "light"], light: ["sun", "dark"], dark: ["moon", "auto"] };

// Theme switches between the system's theme, light and dark.
function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "auto");
  const [icon, next] = themes[theme];
  const change = () => {
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("axion.theme", next);
    } catch {
      // Storage is off: the choice lasts until the page closes.
    }
    setTheme(next);
  };
  return html`
    <button class="icon-button" onClick=${change} aria-label="Theme: ${theme}. Switch to ${next}" title="Theme: ${theme}">
      <${Icon} name=${icon} />
    </button>
  `;
}
