package schema

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

const (
	// maxValueDepth bounds how deep the values are nested that are checked.
	maxValueDepth = 64
	maxDetail     = 300 // bytes of what is said of one fault
	maxQuoted     = 100 // bytes of a text in it
	maxNamed      = 10  // members and items that it names
)

// Validate checks a JSON text, and returns at most so many faults: none where it fits.
// An error says that it was not found out: [ErrSteps], [ErrTime] or [ErrDepth] where the
// schema asks for too much, else that of the budget's context.
func (s *Schema) Validate(b *Budget, text []byte, most int) ([]Fault, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []Fault{{Detail: "is not JSON"}}, nil
	}
	if fault := (*Fault)(nil); errors.As(checkValue(value, nil), &fault) {
		return []Fault{*fault}, nil
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
	// "not" is valid where the schema is not.
	fits, err := s.meter.run(b, func() error { return s.verdict.Validate(value) })
	if err != nil || fits != nil {
		return nil, err
	}
	return s.explain(b, value, most)
}

// explain lists the faults of a value that does not fit.
func (s *Schema) explain(b *Budget, value any, most int) ([]Fault, error) {
	kept := max(0, b.left-explainSteps)
	b.left -= kept
	b.until = b.left
	invalid, err := s.meter.run(b, func() error { return s.full.Validate(value) })
	b.left += kept
	b.until = b.left
	switch found := (*jsonschema.ValidationError)(nil); {
	case errors.Is(err, ErrSteps):
		return []Fault{{Detail: "does not fit the schema, in more ways than can be listed"}}, nil
	case err != nil:
		return nil, err
	case errors.As(invalid, &found):
		return innermost(found, most), nil
	}
	return []Fault{{Detail: "does not fit the schema"}}, nil
}

var messagePrinter = message.NewPrinter(language.English)

// innermost lists the faults that have no others as their reason.
func innermost(e *jsonschema.ValidationError, most int) (list []Fault) {
	if len(e.Causes) == 0 {
		at := ""
		for _, part := range e.InstanceLocation {
			at += "/" + escape(part)
		}
		return []Fault{{at, clip(describe(e.ErrorKind), maxDetail)}}
	}
	for _, cause := range e.Causes {
		if list = append(list, innermost(cause, most-len(list))...); len(list) >= most {
			break
		}
	}
	return list
}

// describe returns a fault in words, which have a part of a long value only.
func describe(k jsonschema.ErrorKind) string {
	switch of := k.(type) {
	case *kind.Pattern:
		return (&kind.Pattern{Got: clip(of.Got, maxQuoted), Want: clip(of.Want, maxQuoted)}).LocalizedString(messagePrinter)
	case *kind.Format:
		text, isText := of.Got.(string)
		if !isText {
			break
		}
		return (&kind.Format{Got: clip(text, maxQuoted), Want: of.Want, Err: of.Err}).LocalizedString(messagePrinter)
	case *kind.AdditionalProperties:
		return (&kind.AdditionalProperties{Properties: of.Properties[:min(len(of.Properties), maxNamed)]}).LocalizedString(messagePrinter)
	case *kind.MaxContains:
		return (&kind.MaxContains{Got: of.Got[:min(len(of.Got), maxNamed)], Want: of.Want}).LocalizedString(messagePrinter)
	}
	return k.LocalizedString(messagePrinter)
}

// clip cuts a text, not in the middle of a character.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// checkValue refuses a value that no schema describes.
func checkValue(v any, at *place) error {
	if at.depth() > maxValueDepth {
		return (*place)(nil).refuse("is nested more than %d deep, which no schema is checked on", maxValueDepth)
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if err := checkValue(inner, at.in(name)); err != nil {
				return err
			}
		}
	case []any:
		for i, inner := range v {
			if err := checkValue(inner, at.in(strconv.Itoa(i))); err != nil {
				return err
			}
		}
	}
	return checkNumber(v, at)
}
