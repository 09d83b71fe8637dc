// Docs shows the documentation that is in the binary: its topics, one of them with its
// headings, and what a search finds.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "../html.js";
import { fragment, hrefTo, segments } from "../address.js";
import { useFetch } from "../fetch.js";
import { plural } from "../text.js";
import { Filter, filterText } from "../parts/filter.js";
import { Icon } from "../parts/icon.js";
import { Empty, Failure, Loading } from "../parts/notice.js";
import { enhance, highlight } from "./docs/enhance.js";

export function DocsPage() {
  const name = segments.value[1];
  const { answer: topics, retry } = useFetch("/api/docs");
  if (!topics) return html`<${Loading} what="the documentation" />`;
  if (!topics.ok) return html`<${Failure} title="The documentation could not be read" problem=${topics.problem} retry=${retry} />`;
  return html`
    <div class="docs ${name ? "with-topic" : ""}">
      <div class="docs-list">
        <header class="page-head"><h1 class="page-title">Docs</h1><${Filter} label="Search the docs" /></header>
        ${filterText() ? html`<${Hits} chosen=${name} />` : html`<${Topics} topics=${topics.body.items} chosen=${name} />`}
        <p class="docs-command muted">The same in a terminal: <code>axion docs ${name ?? ""}</code></p>
      </div>
      <${TopicPage} key=${name} name=${name ?? topics.body.items[0].name} />
    </div>
  `;
}

const Topics = ({ topics, chosen }) => html`
  <nav aria-label="Topics">
    ${topics.map((topic) => html`
      <a key=${topic.name} data-item class="docs-link" href=${hrefTo("docs", topic.name)} aria-current=${topic.name === chosen ? "page" : undefined}>${topic.title}</a>
    `)}
  </nav>
`;

// Hits are the sections that hold all words of the filter.
function Hits({ chosen }) {
  const text = filterText().slice(0, 100);
  const { answer, retry } = useFetch("/api/docs/search?q=" + encodeURIComponent(text));
  if (!answer) return html`<${Loading} what="what is found" />`;
  if (!answer.ok) return html`<${Failure} title="The search failed" problem=${answer.problem} retry=${retry} />`;
  const hits = answer.body.items;
  if (!hits.length) return html`<${Empty} title="Nothing holds “${text}”">All words must be in one section.<//>`;
  return html`
    <p class="muted docs-count" role="status">${plural(hits.length, "section")}</p>
    <nav aria-label="Found">
      ${hits.map((hit) => html`
        <a key=${hit.name + "#" + hit.id} data-item class="docs-link docs-hit" aria-current=${hit.name === chosen && "#" + hit.id === fragment.value ? "location" : undefined}
          href=${hrefTo("docs", hit.name) + (hit.id && "#" + hit.id)}>
          <span>${hit.title}${hit.heading && ` › ${hit.heading}`}</span>
          <span class="muted">${hit.text}</span>
        </a>
      `)}
    </nav>
  `;
}

function TopicPage({ name }) {
  const { answer, retry } = useFetch("/api/docs/" + encodeURIComponent(name));
  const article = useRef();
  const topic = answer?.ok ? answer.body : null;
  useLayoutEffect(() => topic && enhance(article.current), [topic]);
  useEffect(() => (topic ? highlight(article.current, filterText()) : undefined), [topic, filterText()]);
  useEffect(() => {
    if (topic) show(article.current, fragment.value);
  }, [topic, fragment.value]);
  const back = html`<a class="icon-button docs-back" href=${hrefTo("docs")} aria-label="Back to the topics"><${Icon} name="back" /></a>`;
  if (!answer) return html`<div class="docs-topic">${back}<${Loading} what="the topic" /></div>`;
  if (!topic) {
    return html`<div class="docs-topic">${back}<${Failure} title="There is no such topic" problem=${answer.problem} retry=${answer.status === 404 ? undefined : retry} /></div>`;
  }
  return html`
    <div class="docs-topic">
      <header class="docs-head">${back}<h2 class="docs-title">${topic.title}</h2></header>
      <article class="docs-text" ref=${article} dangerouslySetInnerHTML=${{ __html: topic.html }} />
    </div>
    <${Headings} topic=${topic} show=${(id) => show(article.current, "#" + id)} />
  `;
}

// Headings are the topic's parts; of a long topic its larger ones alone.
function Headings({ topic, show }) {
  const shown = topic.headings.length > 30 ? topic.headings.filter((h) => h.level === 2) : topic.headings;
  if (shown.length < 2) return html`<div class="docs-headings"></div>`;
  return html`
    <nav class="docs-headings" aria-label="On this page">
      <p class="muted">On this page</p>
      ${shown.map((h) => html`
        <a key=${h.id} class="docs-link level-${h.level}" href=${"#" + h.id} onClick=${() => show(h.id)} aria-current=${"#" + h.id === fragment.value ? "location" : undefined}>${h.title}</a>
      `)}
    </nav>
  `;
}

// show scrolls to a heading, or to the beginning where there is none.
function show(article, hash) {
  const heading = hash && article.querySelector("#" + CSS.escape(decodeURIComponent(hash.slice(1))));
  if (heading) heading.scrollIntoView({ block: "start" });
  else document.querySelector("main").scrollTo(0, 0);
}
