// Package gotemplate runs the Go templates of users' files within a budget: of
// steps, time, nesting, the size of values and the length of what comes out. What
// text/template leaves without end, such as a range over a large number or a
// template that calls itself twice, ends with an error that names the line.
package gotemplate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"text/template"
	"time"
)

const (
	// maxSource bounds a template's text, and maxNesting how deep its blocks nest:
	// the parser and the interpreter are recursive.
	maxSource  = 1 << 20
	maxNesting = 500
	// maxCalls bounds how deep templates call templates.
	maxCalls = 100
)

// Limits of one execution. They must be positive.
type Limits struct {
	Output int           // bytes
	Steps  int           // rounds of loops, calls, and 64 bytes each of what these are given and make
	Time   time.Duration // looked at between steps
}

// Template is a parsed template. It is safe for concurrent use.
type Template struct {
	parsed    *template.Template
	functions template.FuncMap // the functions that it calls
}

// Error is why a template cannot be parsed or run.
type Error struct {
	Line int // from 1; 0 where unknown
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// BudgetError says that a template would cost more than it may. It is what an
// [Error] wraps then.
type BudgetError struct{ why string }

func (e *BudgetError) Error() string { return e.why }

// Hint is the hint shown with the error.
func (e *BudgetError) Hint() string {
	return "a template's loops, values and output are bounded: let it make less"
}

func overBudget(format string, args ...any) error {
	return &BudgetError{fmt.Sprintf(format, args...)}
}

// Parse reads a template that may call Sprig's functions, but for those that reach
// out of it, and own. Options are those of [template.Template.Option]. The error is
// an [*Error].
func Parse(text string, own template.FuncMap, options ...string) (*Template, error) {
	if len(text) > maxSource {
		return nil, &Error{Err: overBudget("the template is longer than %d bytes", maxSource)}
	}
	functions := Functions()
	maps.Copy(functions, own)
	t, err := template.New(root).Option(options...).Funcs(functions).Parse(text)
	if err != nil {
		return nil, located(err, 0)
	}
	g := &guarding{functions: functions, called: template.FuncMap{}}
	for _, part := range t.Templates() {
		if part.Tree != nil && part.Root != nil {
			g.template(part.Tree)
		}
	}
	if g.err != nil {
		return nil, g.err
	}
	return &Template{t, g.called}, nil
}

// root is what the template is called in errors.
const root = "file"

// Execute runs the template on data until it is done, over its limits, or ctx ends.
// The error is an [*Error].
func (t *Template) Execute(ctx context.Context, data any, limits Limits) ([]byte, error) {
	r := &run{ctx: ctx, limits: limits, end: time.Now().Add(limits.Time)}
	c, err := t.parsed.Clone()
	if err != nil {
		return nil, &Error{Err: err}
	}
	if err := c.Funcs(r.functions(t.functions)).Execute(r, data); err != nil {
		return nil, located(err, r.line)
	}
	return r.out.Bytes(), nil
}

// place is where text/template's errors say that they are.
var place = regexp.MustCompile(`^template: ` + root + `:(\d+)(?::\d+)?: `)

// located takes the line out of an error. A budget's error is shown by itself: it
// occurs in calls that the template's author did not write.
func located(err error, line int) *Error {
	text := err.Error()
	if m := place.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		text = text[len(m[0]):]
	}
	if budget, ok := errors.AsType[*BudgetError](err); ok {
		return &Error{line, budget}
	}
	return &Error{line, errors.New(text)}
}
