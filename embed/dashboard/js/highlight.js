// highlight takes source text apart into pieces with a kind each: comment, string,
// word (of the language), number, name (of a key, tag or attribute), or none. It
// guesses by patterns, never fails, and gives back every character.

const javascript = "as async await break case catch class const continue default delete do else enum export extends false finally for from function if implements import in instanceof interface let new null of private protected public readonly return static super switch this throw true try type typeof undefined var void while yield";
const go = "break case chan const continue default defer else error false fallthrough for func go goto if import int int64 interface iota len make map nil package range return select string struct switch true type var bool byte";
const docker = "ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR";

const strings = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
const number = /\b\d[\d_.]*(?:e[+-]?\d+)?\b/;
const hash = /(?<=^|\s)#.*/;
const any = (...patterns) => patterns.map((pattern) => pattern.source).join("|");
const wordsOf = (list) => new RegExp(`\\b(?:${list.replaceAll(" ", "|")})\\b`);

const slashes = /\/\/.*|\/\*[^]*?(?:\*\/|(?![^]))/;
const backticks = /`(?:[^`\\]|\\.)*`/;
const grammars = {
  js: { comment: slashes, string: new RegExp(any(strings, backticks)), word: wordsOf(javascript), number },
  go: { comment: slashes, string: new RegExp(any(strings, /`[^`]*`/)), word: wordsOf(go), number },
  json: { name: /"(?:[^"\\\n]|\\.)*"(?=\s*:)/, string: strings, word: /\b(?:true|false|null)\b/, number: /-?\b\d[\d.]*(?:e[+-]?\d+)?\b/ },
  yaml: { comment: hash, name: /(?<=^[ \t]*(?:- +)*)(?:"[^"\n]*"|[\w./$-][\w./$@ -]*)(?=:(?:\s|$))/, string: strings, word: /\b(?:true|false|null)\b/, number: /(?<=[:\s-])\d[\d.]*(?=\s|$)/ },
  css: { comment: /\/\*[^]*?(?:\*\/|(?![^]))/, string: strings, name: /[\w-]+(?=\s*:[^{}]*[;}])/, word: /@[\w-]+|![\w]+/, number: /#[\da-fA-F]{3,8}\b|\b\d[\d.]*(?:px|rem|em|%|s|ms|fr|vh|vw)?/ },
  html: { comment: /<!--[^]*?(?:-->|(?![^]))/, word: /<\/?[\w-]+|\/?>|<!\w+/, name: /[\w-]+(?==)/, string: /(?<==)(?:"[^"]*"|'[^']*')/ },
  docker: { comment: /(?<=^)#.*/, word: wordsOf(docker), string: strings, number },
  shell: { comment: hash, string: strings, word: /\$\{?\w+\}?/, name: /(?<=^)\w+(?==)/ },
  md: { word: /(?<=^)#{1,6} .*/, string: /`[^`\n]+`|```[^]*?(?:```|(?![^]))/, name: /\[[^\]\n]*\]\([^)\n]*\)|\*\*[^*\n]+\*\*/ },
  sql: { comment: /--.*/, string: /'[^']*'/, word: wordsOf("CREATE TABLE PRIMARY KEY NOT NULL DEFAULT INSERT INTO SELECT FROM WHERE INTEGER TEXT REFERENCES INDEX ON UNIQUE"), number },
};

const endings = {
  js: "js", mjs: "js", cjs: "js", ts: "js", tsx: "js", go: "go", mod: "go", json: "json", yaml: "yaml", yml: "yaml",
  css: "css", html: "html", svg: "html", xml: "html", md: "md", sh: "shell", env: "shell", sql: "sql", toml: "shell", proto: "go",
};

// languageOf names a file's language by its path, or is "".
export function languageOf(path) {
  const name = path.split("/").at(-1);
  if (/^Dockerfile/.test(name)) return "docker";
  if (name.startsWith(".")) return "shell";
  return endings[name.split(".").at(-1)] ?? "";
}

// piecesOf gives [{kind, text}] whose texts, put together, are the text.
export function piecesOf(text, language) {
  const grammar = grammars[language];
  if (!grammar) return [{ kind: "", text }];
  const kinds = Object.keys(grammar);
  const pattern = new RegExp(kinds.map((kind) => `(${grammar[kind].source})`).join("|"), "gm");
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (!match[0]) continue;
    if (match.index > from) pieces.push({ kind: "", text: text.slice(from, match.index) });
    pieces.push({ kind: kinds[match.slice(1).findIndex((group) => group !== undefined)], text: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ kind: "", text: text.slice(from) });
  return pieces;
}
