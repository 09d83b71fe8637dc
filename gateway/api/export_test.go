package api

import "strings"

// ShowNode shows what stands at a line of a YAML file as snippets do.
func ShowNode(text string, line int) string { return strings.Join(snippetOf([]byte(text), line), "\n") }
