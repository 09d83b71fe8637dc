package static

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"
)

// ignoredValues are those of settings that mean nothing here and that Traefik does
// not start with, or ignores, where they have another, case aside.
var ignoredValues = map[string][]string{
	"log.level":  {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "PANIC"},
	"log.format": {"common", "json"},
}

// unknownValue reports a value that Traefik does not know.
func (r *reader) unknownValue(s setting) {
	known := ignoredValues[strings.ToLower(strings.Join(s.path, "."))]
	if known == nil || s.value == "" || slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, s.value) }) {
		return
	}
	hint := ""
	if near := config.Nearest(s.value, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	r.problem(config.Warning, s.line, fmt.Sprintf("%s: %q is none of %s, which Traefik knows", s.text, s.value, strings.Join(known, ", ")),
		hint)
}
