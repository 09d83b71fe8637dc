// Chart draws numbers over time. times are milliseconds; each of series is {label,
// values}, -1 where a value is not known. what says it all in words.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { Notice } from "./notice.js";

const tall = 180;
const hues = ["--http", "--kafka", "--websocket", "--sql", "--ok", "--warn", "--error", "--muted"];
const dashes = [[], [6, 3], [2, 2]];

let loaded = null;

// load brings the library in, once. It is a script, not a module.
const load = () =>
  (loaded ??= new Promise((resolve, reject) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/vendor/uplot.css" });
    const script = Object.assign(document.createElement("script"), { src: "/vendor/uplot.js", onload: () => resolve(window.uPlot), onerror: reject });
    document.head.append(style, script);
  }));

const colour = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};

export function Chart({ times, series, what }) {
  const at = useRef(null);
  const plot = useRef(null);
  const [failed, fail] = useState(false);
  const [theme, setTheme] = useState(0);
  const labels = series.map((s) => s.label).join("\n");
  const data = [times.map((t) => t / 1000), ...series.map((s) => s.values.map((v) => (v < 0 ? null : v)))];
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const box = at.current; // the ref is empty before this effect is taken back
    let gone = false;
    load().then((uPlot) => {
      if (!gone) plot.current = new uPlot(optionsOf(series, box.clientWidth), latest.current, box);
    }, () => fail(true));
    const resize = () => plot.current?.setSize({ width: box.clientWidth, height: tall });
    const sized = new ResizeObserver(resize);
    sized.observe(box);
    return () => {
      gone = true;
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [labels, theme]);
  useEffect(() => {
    const again = () => setTheme((n) => n + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", again);
    const watched = new MutationObserver(again);
    watched.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      media.removeEventListener("change", again);
      watched.disconnect();
    };
  }, []);
  useEffect(() => plot.current?.setData(latest.current));
  if (failed) return html`<${Notice} tone="warn" title="The chart could not be loaded">${what}<//>`;
  return html`<div class="chart" role="img" aria-label=${what} ref=${at}></div>`;
}

function optionsOf(series, width) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width, height: tall, cursor: { y: false }, legend: { live: true },
    scales: { y: { range: (_, _min, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.1))] } },
    axes: [{ ...axis, space: 80, values: (_, marks) => marks.map((s) => new Date(s * 1000).toLocaleTimeString("en-GB").slice(0, s % 60 ? 8 : 5)) }, { ...axis, size: (_, texts) => 16 + 8 * Math.max(4, ...(texts ?? []).map((text) => text.length)), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] }],
    series: [
      { label: "time", value: (_, s) => (s ? new Date(s * 1000).toLocaleTimeString("en-GB") : "–") },
      ...series.map((s, i) => ({ label: s.label, stroke: colour(hues[i % hues.length]), width: 1.5, dash: dashes[Math.floor(i / hues.length) % dashes.length], spanGaps: false, points: { show: false }, value: (_, v) => v ?? "–" })),
    ],
  };
}
