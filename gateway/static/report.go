package static

import (
	"axion/gateway/config"
	"strings"
)

// report collects the problems of one source, and where its settings stand.
type report struct {
	origin   config.Origin
	lines    map[string]int // by path in lower case
	problems []config.Problem
}

func (r *report) problem(severity config.Severity, line int, message, hint string) {
	if line == 0 {
		line = r.origin.Line
	}
	r.problems = append(r.problems,
		config.Problem{Severity: severity, File: r.origin.File, Line: line, Service: r.origin.Service, Message: message, Fix: hint})
}

// locate notes where a setting, and each section around it, first stands.
func (r *report) locate(path []string, line int) {
	for n := range path {
		at := strings.ToLower(strings.Join(path[:n+1], "."))
		if r.lines[at] == 0 || line < r.lines[at] {
			r.lines[at] = line
		}
	}
}
