package label

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"
)

// warnMisspelt warns of labels that were meant to be Traefik's and that it ignores,
// because of how they begin; and of those that it refuses and this gateway reads.
func (r *report) warnMisspelt() {
	var keys []string
	for key := range r.Labels {
		if !usual(key) && len(key) <= maxLabel {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		if r.Lines[a] != r.Lines[b] {
			return r.Lines[a] - r.Lines[b]
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		if hasPrefix(key) {
			r.warnPrefixed(key)
		} else if meant := meantFor(key); meant != "" {
			r.problem(config.Warning, key, "the label is ignored: Traefik's begin with "+prefix, fmt.Sprintf("did you mean %s?", meant))
		}
	}
}

// warnPrefixed warns of a label with Traefik's prefix.
func (r *report) warnPrefixed(key string) {
	segments := strings.Split(key[len(prefix):], ".")
	if segments[0] == "" && meantFor(key) != "" {
		r.problem(config.Warning, key, "Traefik has no such label: it is ignored", "did you mean "+meantFor(key)+"?")
	}
	if section := sectionOf(segments); section != "" {
		r.problem(config.Warning, key, "Traefik has no such label: it is ignored",
			"did you mean "+prefix+section+"."+strings.Join(segments, ".")+"?")
	}
	if !strings.HasPrefix(key, prefix) {
		r.problem(config.Warning, key, "Traefik refuses all labels of the service for this one: it reads the prefix in lower case only",
			"write "+prefix+key[len(prefix):])
	}
}

// usual reports whether a label begins as most do: what follows is looked at as it is
// decoded.
func usual(key string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	return ok && (strings.HasPrefix(rest, "http.") || strings.HasPrefix(rest, "tcp.") || strings.HasPrefix(rest, "udp."))
}

// meantFor is the label of Traefik's that one was meant to be, by its beginning; or
// empty.
func meantFor(key string) string {
	key = strings.TrimSpace(key)
	end := strings.IndexFunc(key, separates)
	if end < 0 {
		return ""
	}
	first, rest := strings.ToLower(key[:end]), strings.TrimLeftFunc(key[end:], separates)
	switch {
	case first == "traefik" || config.Nearest(first, []string{"traefik"}) != "":
	case key[end] == '.' && (first == "http" || first == "tcp" || first == "udp"):
		if rest = key; known().find(strings.Split(key, ".")) == unknown {
			return "" // somebody's own, such as http.port
		}
	default:
		return ""
	}
	for _, text := range []string{rest, strings.Join(strings.FieldsFunc(rest, separates), ".")} {
		segments := strings.Split(text, ".")
		if known().find(segments) != unknown {
			return prefix + text
		}
		if root := known().next[strings.ToLower(segments[0])]; root != nil && root.next != nil {
			if near := nearest(segments); near != "" {
				return near
			}
			return prefix + text
		}
	}
	if near := nearest(strings.Split(rest, ".")); near != "" && strings.Count(rest, ".") > 1 {
		return near
	}
	return "" // somebody's own, such as traefik-ui.theme
}

// separates are the characters that people put where a dot belongs.
func separates(c rune) bool { return strings.ContainsRune("./:\\ -_", c) }

// dotted finds the name in a label that holds dots, which labels cannot express.
// rest is the label with dashes in their place.
func dotted(segments []string) (name, rest string, ok bool) {
	if len(segments) < 5 {
		return "", "", false
	}
	for n := 2; n < len(segments)-2; n++ {
		short := append(append(slices.Clone(segments[:2]), strings.Join(segments[2:2+n], "-")), segments[2+n:]...)
		if known().find(short) != unknown {
			return strings.Join(segments[2:2+n], "."), prefix + strings.Join(short, "."), true
		}
	}
	return "", "", false
}

// sectionOf is the section in which a label is that names none, such as
// "routers.x.rule"; or empty.
func sectionOf(segments []string) string {
	for _, section := range []string{"http", "tcp", "udp"} {
		if known().find(append([]string{section}, segments...)) != unknown {
			return section
		}
	}
	return ""
}

// clarify gives the problems of unknown labels hints that go by how they are written.
func (r *report) clarify() {
	for i, p := range r.set.Problems {
		if !hasPrefix(p.Label) || !strings.HasPrefix(p.Message, "Traefik has no such label") {
			continue
		}
		segments := strings.Split(p.Label[len(prefix):], ".")
		name, rest, ok := dotted(segments)
		switch at := &r.set.Problems[i]; {
		case ok:
			at.Fix = fmt.Sprintf("the dots of the name %q end it: labels cannot give such a name; write %s", name, rest)
		case r.Labels[p.Label] == "" && strings.ContainsAny(p.Label, " (`"):
			at.Fix = "write the label as name=value"
		}
	}
}
