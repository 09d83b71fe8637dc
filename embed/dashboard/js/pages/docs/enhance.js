// enhance adds to a topic's text what its Markdown cannot say: buttons that copy, links to
// headings, and that the keyboard scrolls wide blocks.
export function enhance(article) {
  for (const block of article.querySelectorAll("pre")) {
    block.tabIndex = 0;
    const box = document.createElement("div");
    box.className = "docs-block";
    block.replaceWith(box);
    box.append(block, copier(block.textContent));
  }
  for (const heading of article.querySelectorAll(":is(h2, h3)[id]")) {
    const link = document.createElement("a");
    link.href = "#" + heading.id;
    link.className = "docs-anchor";
    link.textContent = "#";
    link.setAttribute("aria-label", `Link to ${heading.textContent}`);
    heading.append(" ", link);
  }
  for (const table of article.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "docs-table";
    box.tabIndex = 0;
    table.replaceWith(box);
    box.append(table);
  }
}

function copier(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small docs-copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1200);
  });
  return button;
}

// highlight shows where the words of a search are, in browsers that can without changing the
// text. It gives a function that takes the marks away.
export function highlight(article, text) {
  const words = text.split(/\s+/).filter(Boolean);
  if (!CSS.highlights || !words.length) return undefined;
  const found = new Highlight();
  const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const held = node.data.toLowerCase();
    for (const word of words) {
      for (let at = held.indexOf(word); at >= 0 && at + word.length <= node.data.length; at = held.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        found.add(range);
      }
    }
  }
  CSS.highlights.set("docs", found);
  return () => CSS.highlights.delete("docs");
}
