package rule

import "fmt"

// Error says why a rule was refused.
type Error struct {
	Line, Column int // in the rule, both from 1; columns count bytes
	Message      string
	hint         string // how to fix it, may be empty
}

// Error is the message with its place in the rule.
func (e *Error) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("rule, line %d column %d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("rule, column %d: %s", e.Column, e.Message)
}

// Hint is the hint shown below the error.
func (e *Error) Hint() string { return e.hint }
