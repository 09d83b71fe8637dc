package cert

import (
	"maps"
	"slices"
	"strconv"

	"axion/gateway/config"
)

// defaultName is that of the options and the store for all.
const defaultName = "default"

// report collects what is wrong with settings.
type report struct{ problems []config.Problem }

func (r *report) add(severity config.Severity, at config.Origin, message, hint string) {
	r.problems = append(r.problems, config.Problem{
		Severity: severity, File: at.File, Line: at.Line, Service: at.Service, Message: message, Fix: hint,
	})
}

func (r *report) fail(at config.Origin, message, hint string) {
	r.add(config.Error, at, message, hint)
}

func (r *report) warn(at config.Origin, message, hint string) {
	r.add(config.Warning, at, message, hint)
}

// nearest is the hint with the known name that word is close to, or empty.
func nearest(word string, known []string) string {
	if n := config.Nearest(word, known); n != "" {
		return "did you mean " + quote(n) + "?"
	}
	return ""
}

func quote(s string) string { return strconv.Quote(s) }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
