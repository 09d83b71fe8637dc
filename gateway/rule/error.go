package rule

import "fmt"

// Error says why a rule was refused.
type Error struct {
	Line, Column int // in the rule, both from 1; columns count bytes
	Message      string
	Hint         string // how to mend it, may be empty
}

// Error is the message with its place in the rule.
func (e *Error) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("rule, line %d column %d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("rule, column %d: %s", e.Column, e.Message)
}

// Mend is the hint shown below the error.
func (e *Error) Mend() string { return e.Hint }
