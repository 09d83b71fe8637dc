// ansi reads the colours of a terminal's output (SGR of ECMA-48, with 256 colours and
// true colour), and leaves every other control sequence out. It is plain data in, plain
// data out.

const escapes = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

// shownOf is a line as a terminal would leave it: what a carriage return goes back over
// is written over.
const shownOf = (line) => {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
};

// plainOf is a text without its control sequences.
export const plainOf = (text) => text.split("\n").map((line) => shownOf(line).replace(escapes, "")).join("\n");

// piecesOf takes a text apart: [{text, style}], in which style has fg and bg, [r, g, b]
// or undefined, and bold, dim, italic, underline, strike and inverse.
export function piecesOf(text) {
  const shown = text.includes("\r") ? text.split("\n").map(shownOf).join("\n") : text;
  if (!shown.includes("\x1b") && !/[\x00-\x08\x0b-\x1f\x7f]/.test(shown)) return [{ text: shown, style: {} }];
  const pieces = [];
  let style = {};
  let from = 0;
  const add = (to) => to > from && pieces.push({ text: shown.slice(from, to), style });
  for (const match of shown.matchAll(escapes)) {
    add(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") style = styleAfter(style, match[1]);
  }
  add(shown.length);
  return pieces;
}

const flags = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const ends = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"], 39: ["fg"], 49: ["bg"] };

function styleAfter(before, parameters) {
  const numbers = parameters.split(/[;:]/).map(Number);
  let style = { ...before };
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i];
    if (n === 0) style = {};
    else if (flags[n]) style[flags[n]] = true;
    else if (ends[n]) for (const name of ends[n]) delete style[name];
    else if (n >= 30 && n <= 37) style.fg = colourOf(n - 30);
    else if (n >= 40 && n <= 47) style.bg = colourOf(n - 40);
    else if (n >= 90 && n <= 97) style.fg = colourOf(n - 82);
    else if (n >= 100 && n <= 107) style.bg = colourOf(n - 92);
    else if (n === 38 || n === 48) {
      const [colour, used] = extended(numbers.slice(i + 1), parameters.includes(":"));
      if (colour) style[n === 38 ? "fg" : "bg"] = colour;
      i += used;
    }
  }
  return style;
}

// extended reads what follows 38 or 48: the colour, and how many numbers it took. With
// colons a true colour has the number of a colour space before it.
function extended([kind, ...rest], colons) {
  if (kind === 5) return [rest[0] >= 0 && rest[0] <= 255 ? colourOf(rest[0]) : undefined, 2];
  if (kind !== 2) return [undefined, 1];
  const skip = colons && rest.length >= 4 ? 1 : 0;
  const rgb = rest.slice(skip, skip + 3);
  return [rgb.length === 3 && rgb.every((v) => v >= 0 && v <= 255) ? rgb : undefined, 4 + skip];
}

// base are the first 16 colours, as xterm has them.
const base = [
  [0, 0, 0], [205, 0, 0], [0, 205, 0], [205, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205], [229, 229, 229],
  [127, 127, 127], [255, 0, 0], [0, 255, 0], [255, 255, 0], [92, 92, 255], [255, 0, 255], [0, 255, 255], [255, 255, 255],
];
const steps = [0, 95, 135, 175, 215, 255];

function colourOf(n) {
  if (n < 16) return base[n];
  if (n >= 232) return Array(3).fill(8 + 10 * (n - 232));
  const at = n - 16;
  return [steps[Math.floor(at / 36)], steps[Math.floor(at / 6) % 6], steps[at % 6]];
}

const light = [255, 255, 255]; // the surfaces of both themes, as tokens.css has them
const dark = [27, 29, 32];
const enough = 4.5; // contrast, WCAG 2.2, 1.4.3

// cssOf is what a style looks like in both themes, readable in each: {color,
// backgroundColor}, either undefined where it is the page's own.
export function cssOf({ fg, bg, inverse }) {
  const [front, back] = inverse ? [bg, fg] : [fg, bg];
  if (inverse && !back) return { backgroundColor: "var(--text)", color: "var(--surface)" };
  if (back) return { backgroundColor: rgb(back), color: rgb(readable(front ?? (luminance(back) > 0.18 ? [0, 0, 0] : light), back)) };
  if (front) return { color: `light-dark(${rgb(readable(front, light))}, ${rgb(readable(front, dark))})` };
  return {};
}

const rgb = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

// readable moves a colour towards black or white until it can be read on another.
function readable(colour, on) {
  const end = luminance(on) > 0.18 ? 0 : 255;
  for (let share = 0; share <= 1; share += 0.05) {
    const moved = colour.map((v) => v + (end - v) * share);
    if (contrast(moved, on) >= enough) return moved;
  }
  return [end, end, end];
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const luminance = (colour) => {
  const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
