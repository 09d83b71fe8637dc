package config

import (
	"fmt"
	"strings"
)

// Severity of a [Problem].
type Severity int

const (
	// Warning marks something that works but is doubtful.
	Warning Severity = iota
	// Error marks something that was left out.
	Error
)

// Problem is one finding about a configuration, fit to be shown to its author.
// It is an error, so that a provider can return it.
type Problem struct {
	Severity Severity
	File     string
	Line     int // from 1; 0 where unknown
	Service  string
	Label    string
	Message  string // what is wrong, lowercase, one line
	Hint     string // how to mend it, may be empty
}

// Error gives "file:line: service "x": label "y": message".
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Service != "" {
		fmt.Fprintf(&b, "service %q: ", p.Service)
	}
	if p.Label != "" {
		fmt.Fprintf(&b, "label %q: ", p.Label)
	}
	b.WriteString(p.Message)
	return b.String()
}

// Mend is the hint shown below the error; main looks for this method.
func (p Problem) Mend() string { return p.Hint }
