package label

import (
	_ "embed"
	"strings"
	"sync"

	"axion/gateway/config"
)

//go:embed labels.txt
var list string

// status is what becomes of a label, by its mark in labels.txt.
type status byte

const (
	unknown    status = 0
	understood status = '+'
	ignored    status = '=' // of no meaning without containers
	optional   status = '~' // not supported yet, and can be left out
	required   status = '!' // not supported yet, and cannot be left out
	fileOnly   status = '-' // Traefik knows it, and follows it in files only
	newer      status = '>' // understood, and Traefik 3.7 does not have it
	reserved   status = '*' // of config.ReservedFields, not of the list
)

// marks are those that stand in labels.txt.
const marks = "+=~!->"

// The places in labels.txt where any text stands.
const (
	anyName = "<n>"
	anyRest = "<h>"
)

// trie holds the known labels by their segments, in lower case.
type trie struct {
	next   map[string]*trie
	status status
}

// known is the list, parsed once; it never changes.
var known = sync.OnceValue(func() *trie {
	root := &trie{}
	for _, pattern := range patterns() {
		root.put(pattern[2:], status(pattern[0]))
	}
	for _, f := range config.ReservedFields() {
		path := strings.NewReplacer("*", anyName, "servers[n]", "server").Replace(strings.ToLower(f.Path))
		root.put(path, reserved)
		root.put(path+"."+anyRest, reserved)
	}
	return root
})

// put notes what becomes of the label of a pattern.
func (t *trie) put(pattern string, s status) {
	for segment := range strings.SplitSeq(pattern, ".") {
		if t.next == nil {
			t.next = map[string]*trie{}
		}
		if t.next[segment] == nil {
			t.next[segment] = &trie{}
		}
		t = t.next[segment]
	}
	t.status = s
}

// patterns are the lines of the list that hold a label.
func patterns() []string {
	var out []string
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if len(line) > 2 && line[1] == ' ' && strings.IndexByte(marks, line[0]) >= 0 {
			out = append(out, line)
		}
	}
	return out
}

// find is the status of a label without its leading "traefik.".
func (t *trie) find(segments []string) status {
	if len(segments) == 0 {
		return t.status
	}
	if segments[0] == "" {
		return unknown
	}
	if rest := t.next[anyRest]; rest != nil && (rest.status == reserved || !strings.ContainsAny(strings.Join(segments, ""), "[]")) {
		return rest.status
	}
	if next := t.next[unindexed(strings.ToLower(segments[0]))]; next != nil {
		return next.find(segments[1:])
	}
	// A bracket in a name would be taken for an index.
	if next := t.next[anyName]; next != nil && !strings.ContainsAny(segments[0], "[]") {
		return next.find(segments[1:])
	}
	return unknown
}

// unindexed writes the index of "domains[0]" as "[n]".
func unindexed(segment string) string {
	name, index, ok := strings.Cut(segment, "[")
	digits, closed := strings.CutSuffix(index, "]")
	if !ok || !closed || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return segment
	}
	return name + "[n]"
}

// nearest is the known label that one was probably meant to be, with its names
// filled in, or empty.
func nearest(segments []string) string {
	var candidates []string
	for _, pattern := range patterns() {
		c := strings.Split(pattern[2:], ".")
		for i, s := range c {
			switch {
			case s == anyName && i < len(segments):
				c[i] = segments[i]
			case s == anyRest:
				c[i] = segments[len(segments)-1]
			}
			c[i] = strings.ReplaceAll(c[i], "[n]", "[0]")
		}
		candidates = append(candidates, prefix+strings.Join(c, "."))
	}
	return config.Nearest(prefix+strings.Join(segments, "."), candidates)
}
