package config

import (
	"fmt"
	"strings"

	"axion/web/view"
)

// Severity of a [Problem].
type Severity int

const (
	// Warning marks something that works but is doubtful.
	Warning Severity = iota
	// Error marks something that was left out.
	Error
	// Notice marks something that works as asked, and may surprise.
	Notice
)

// MarshalText gives "notice", "warning" or "error".
func (s Severity) MarshalText() ([]byte, error) {
	switch s {
	case Error:
		return []byte("error"), nil
	case Notice:
		return []byte("notice"), nil
	case Warning:
	}
	return []byte("warning"), nil
}

// Problem is one finding about a configuration, fit to be shown to its author.
// It is an error, so that a provider can return it.
type Problem struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"` // from 1; 0 where unknown
	Service  string   `json:"service,omitempty"`
	Label    string   `json:"label,omitempty"`
	Message  string   `json:"message"`        // what is wrong, lowercase, one line
	Fix      string   `json:"hint,omitempty"` // how to fix it, may be empty
}

// View is the problem as the page shows it.
func (p Problem) View() view.Problem {
	severity := view.SeverityWarning
	switch p.Severity {
	case Error:
		severity = view.SeverityError
	case Notice:
		severity = view.SeverityNotice
	case Warning:
	}
	return view.Problem{Severity: severity, File: p.File, Line: p.Line, Service: p.Service, Label: p.Label, Message: p.Message, Hint: p.Fix}
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

// Attrs is what a log line says beside the error: the hint, where there is one.
func (p Problem) Attrs() []any {
	if p.Fix == "" {
		return nil
	}
	return []any{"hint", p.Fix}
}

// Hint is the hint shown below the error; main looks for this method.
func (p Problem) Hint() string { return p.Fix }
