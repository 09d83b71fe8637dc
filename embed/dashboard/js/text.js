// text puts numbers and times into words.
import { signal } from "@preact/signals";

const number = new Intl.NumberFormat("en");

export const count = (n) => number.format(n);

// plural gives "1 topic", "3 topics".
export const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

// duration of milliseconds: "42 ms", "1.3 s", "2 min 5 s".
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

// now moves on every five seconds while the page is in sight.
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 5000);

// ago gives "just now", "3 min ago", "2 days ago".
export function ago(time, at = now.value) {
  const seconds = (at - Date.parse(time)) / 1000;
  if (!(seconds >= 10)) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return plural(Math.floor(seconds / 86_400), "day") + " ago";
}

// exact gives the local time to the millisecond, for a title.
export function exact(time) {
  const t = new Date(time);
  const milli = String(t.getMilliseconds()).padStart(3, "0");
  return `${t.toLocaleDateString("en-CA")} ${t.toLocaleTimeString("en-GB")}.${milli}`;
}

// uptime is how long ago a time was: "3 min".
export const uptime = (time) => ago(time, now.value).replace(" ago", "").replace("just now", "a moment");

// percent of a share: "25 %", "0.4 %".
export const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

// bytes gives "980 B", "1.4 KB", "6.8 MB".
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 999_950) return `${(n / 1000).toFixed(1)} KB`;
  return n < 999_950_000 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(1)} GB`;
}
