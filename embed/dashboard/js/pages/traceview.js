// traceview holds what every view of a trace needs.
import { useState } from "preact/hooks";
import { useChannel } from "../live.js";

// useTrace gives a trace, live; null before it is known.
export function useTrace(id) {
  const [trace, setTrace] = useState(null);
  const [problem, setProblem] = useState("");
  useChannel("trace", { id }, setTrace, setProblem);
  return { trace: trace?.traceId === id ? trace : null, problem };
}

// percent is the share of total that part is, as a length in CSS.
export const percent = (part, total) => `${Math.min(100, Math.max(0, (part / total) * 100))}%`;
