package label

import (
	"axion/gateway/config"
	"cmp"
	"slices"
	"strings"
)

// report collects what is wrong with one service's labels, and finds where they stand.
type report struct {
	Service
	set   *Set
	keys  []string          // the traefik labels in order, so that problems are too
	first map[string]string // "http.routers.name" in lower case → the first label of it
}

func (r *report) problem(severity config.Severity, label, message, hint string) {
	file, line := r.File, 0
	if label == "" && len(r.keys) > 0 {
		file, line, _ = r.set.Locations.Find(r.keys[0])
	} else if label != "" {
		file, line, _ = r.set.Locations.Find(label)
	}
	r.set.Problems = append(r.set.Problems, config.Problem{
		Severity: severity, File: file, Line: line, Service: r.Name,
		Label: label, Message: message, Fix: hint,
	})
}

func (r *report) origin(section, kind, name string) config.Origin {
	o := r.set.Origin
	if key := r.first[ref(section, kind, name)]; key != "" {
		o.File, o.Line, _ = r.set.Locations.Find(key)
	}
	return o
}

// ref is how a piece of configuration is noted, such as "http.routers.name".
func ref(section, kind, name string) string {
	return section + "." + kind + "." + strings.ToLower(name)
}

// sorted are the traefik labels in the order of files and lines.
func (r *report) sorted() []string {
	type place struct {
		key, file string
		line      int
	}
	places := make([]place, 0, len(r.Labels))
	for k := range r.Labels {
		if hasPrefix(k) {
			places = append(places, place{k, r.Files[k], r.Lines[k]})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line, strings.Compare(a.key, b.key))
	})
	keys := make([]string, len(places))
	for i, p := range places {
		keys[i] = p.key
	}
	return keys
}

func hasPrefix(key string) bool {
	return len(key) > len(prefix) && (key[:len(prefix)] == prefix || strings.EqualFold(key[:len(prefix)], prefix))
}

// labelOf is the first label that defines something.
func (r *report) labelOf(section, kind, name string) string {
	return r.first[ref(section, kind, name)]
}

// fieldLabel is the label of one field of it, or else the first one.
func (r *report) fieldLabel(section, kind, name, field string) string {
	at := prefix + ref(section, kind, name) + "." + field
	for _, key := range r.keys {
		if strings.EqualFold(key, at) {
			return key
		}
	}
	return r.labelOf(section, kind, name)
}

// has reports whether a label is in this section.
func (r *report) has(section string) bool {
	return slices.ContainsFunc(r.keys, func(key string) bool {
		return strings.HasPrefix(strings.ToLower(key[len(prefix):]), section)
	})
}
