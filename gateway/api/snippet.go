package api

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Bounds of a snippet.
const (
	aroundLine  = 3   // lines before and after
	snippetLine = 240 // bytes of a line
)

// Snippet is some lines of a file that the configuration was read from.
type Snippet struct {
	File  string   `json:"file"`
	Line  int      `json:"line" doc:"The line that was asked for, from 1."`
	First int      `json:"first" doc:"The number of the first of the lines."`
	Lines []string `json:"lines" doc:"Values are left out but of labels and keys that routing needs, and long lines are cut."`
}

// Snippet gives the lines around one of a file, by the name that problems and
// origins give it; false for a file that is not part of the configuration, and for
// a line that it does not have. No file is read for it.
func (a *API) Snippet(file string, line int) (Snippet, bool) {
	var best Snippet
	for _, text := range a.Provider.Text(file) {
		lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		if line < 1 || line > len(lines) {
			continue
		}
		// Several base layers have one name: it is the one with a label there.
		if best.Line != 0 && !bytes.Contains(lines[line-1], []byte("traefik.")) {
			continue
		}
		best = Snippet{File: file, Line: line, First: max(line-aroundLine, 1)}
		h := newHider(file)
		for i, l := range lines[:min(line+aroundLine, len(lines))] { // those before tell what these are part of
			if shown := h.line(cleanLine(l)); i >= best.First-1 {
				best.Lines = append(best.Lines, shortLine(shown))
			}
		}
	}
	return best, best.Line != 0
}

func cleanLine(l []byte) string {
	return strings.ToValidUTF8(strings.TrimRight(string(l), "\r"), "�")
}

func shortLine(text string) string {
	if len(text) <= snippetLine {
		return text
	}
	cut := snippetLine
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
