// rate puts what flows into words.

// perSecond gives "0.3/s", "12/s", "1.2k/s".
export function perSecond(rate) {
  if (rate >= 10_000) return `${Math.round(rate / 1000)}k/s`;
  if (rate >= 1000) return `${(rate / 1000).toFixed(1)}k/s`;
  if (rate >= 9.95) return `${Math.round(rate)}/s`;
  return `${rate.toFixed(1)}/s`;
}

// millis gives "0.4 ms", "12 ms", "1.3 s".
export function millis(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// loadOf is "12/s · 0.4 ms"; empty where nothing passes.
export const loadOf = ({ rate, p50Ms }) => (rate > 0 ? perSecond(rate) + (p50Ms === null ? "" : " · " + millis(p50Ms)) : "");
