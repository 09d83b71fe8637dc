// Package hint gives errors a hint: how to fix what is wrong.
package hint

import "errors"

// With gives an error a Hint method.
func With(err error, text string) error { return &hinted{err, text} }

type hinted struct {
	error
	text string
}

func (e *hinted) Unwrap() error { return e.error }
func (e *hinted) Hint() string  { return e.text }

// Of is the hint of an error that has a Hint method, or empty.
func Of(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}
