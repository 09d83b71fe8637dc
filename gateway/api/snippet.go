package api

import (
	"strings"
	"unicode/utf8"
)

// Bounds of a snippet.
const (
	maxSnippet  = 7   // lines
	snippetLine = 240 // bytes of a line
)

// Snippet is a part of a file that the configuration was read from: a label, a setting or
// a section.
type Snippet struct {
	File  string   `json:"file"`
	Line  int      `json:"line" doc:"The line that was asked for, from 1."`
	First int      `json:"first" doc:"The number of the first of the lines."`
	Lines []string `json:"lines" doc:"The label or setting at the line. Values are left out but of labels and keys that routing needs. None of TOML."`
}

// Snippet gives what stands at a line of a file, by the name that problems and
// origins give it; false for a file that is not part of the configuration, for
// a line where nothing begins, and for a file that is no sound YAML. No file is read for it.
func (a *API) Snippet(file string, line int) (Snippet, bool) {
	var best Snippet
	if strings.HasSuffix(strings.ToLower(file), ".toml") {
		return best, false
	}
	for _, text := range a.Provider.Text(file) {
		lines := snippetOf(text, line)
		// Several base layers have one name: it is the one with a label there.
		if len(lines) > 0 && (best.Line == 0 || strings.Contains(lines[0], "traefik.")) {
			best = Snippet{File: file, Line: line, First: line, Lines: lines}
		}
	}
	return best, best.Line != 0
}

// snippetOf are the lines of the node at a line of a YAML file.
func snippetOf(data []byte, line int) []string {
	n, ok := nodeAt(data, line)
	if !ok {
		return nil
	}
	lines := make([]string, maxSnippet)
	n.show(lines, line)
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, text := range lines {
		lines[i] = shortLine(text)
	}
	return lines
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
