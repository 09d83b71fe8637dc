// Icons are strokes on a 16 px grid, in the colour of the text around them.
import { html } from "../html.js";

const strokes = {
  system: "M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM5 5.5h.01M5 10.5h.01",
  flow: "M2.5 4h6M5.5 8h6M8.5 12h5M2.5 4v0",
  routes: "M3 3.5a1.5 1.5 0 1 0 .01 0M13 12.5a1.5 1.5 0 1 0 .01 0M4.5 5h5a2.5 2.5 0 0 1 0 5h-3a2 2 0 0 0 0 4h5",
  topics: "M2.5 4h11M2.5 8h11M2.5 12h11M5 2.5v3M10 6.5v3M7 10.5v3",
  services: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  projects: "M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.7 5.1 8 8.2l5.3-3.1M8 8.2v6",
  faults: "M9.2 1.8 3.5 9H8l-1.2 5.2L12.5 7H8z",
  docs: "M8 4.2C6.5 3 4.5 2.8 2.5 3v9.5c2-.2 4 0 5.5 1.2 1.5-1.2 3.5-1.4 5.5-1.2V3c-2-.2-4 0-5.5 1.2zM8 4.2v9.5",
  logs: "M2.5 3h11v10h-11zM5 6h1.5M8.5 6H11M5 8.2h3M5 10.4h5",
  ok: "M3.5 8.5 6.5 11.5 12.5 4.8",
  error: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  warning: "M8 2.5 14 13H2zM8 6.5v3M8 11.2h.01",
  wait: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3l2 1.5",
  none: "M4 8h8",
  copy: "M5.5 5.5h7v7h-7zM10.5 5.5v-2h-7v7h2",
  open: "M6 3.5H3.5v9h9V10M9 3.5h3.5V7M12.2 3.8 7.5 8.5",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M10 3.5 5.5 8l4.5 4.5",
  search: "M7 2.8a4.2 4.2 0 1 0 .01 0M10.2 10.2 13.5 13.5",
  fit: "M2.5 6v-3.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  undo: "M6 3 2.8 6.2 6 9.4M3 6.2h6.5a3.6 3.6 0 0 1 0 7.2H6",
  redo: "M10 3l3.2 3.2L10 9.4M13 6.2H6.5a3.6 3.6 0 0 0 0 7.2H10",
  file: "M4 1.8h5.5L13 5.3v8.9H4zM9.5 1.8v3.5H13",
  download: "M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M2.8 13.5h10.4",
  plus: "M8 3v10M3 8h10",
  sun: "M8 5.2a2.8 2.8 0 1 0 .01 0M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z",
  auto: "M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5",
  lock: "M4 7.5h8v5.5H4zM5.5 7.5V5.5a2.5 2.5 0 0 1 5 0v2",
};

export const Icon = ({ name, size = 16 }) => html`
  <svg class="icon" width=${size} height=${size} viewBox="0 0 16 16" aria-hidden="true">
    <path d=${strokes[name]} />
  </svg>
`;
