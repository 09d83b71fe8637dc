package api

import (
	"strings"
)

// HideLines shows the lines of a file as snippets do.
func HideLines(file, text string) string {
	h := newHider(file)
	var shown []string
	for line := range strings.SplitSeq(text, "\n") {
		shown = append(shown, h.line(line))
	}
	return strings.Join(shown, "\n")
}
