// Package schema checks JSON values against JSON Schemas that users give. A schema
// is a program of theirs: a small one can ask for more work than any machine has, so
// that its own size is bounded when it is read, and all that it does with values is
// counted against a [Budget].
package schema

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of a schema.
const (
	MaxText  = 64 << 10 // bytes
	maxDepth = 32       // of brackets
	// maxParts bounds its objects, arrays and booleans, each of which may be a schema:
	// the time of compiling grows with their square.
	maxParts = 1000
	// maxIDs bounds its $id and id, each of which begins a document of its own.
	maxIDs = 20
)

// Fault is what is wrong with a schema or a value, and at which JSON Pointer in it.
type Fault struct{ Pointer, Detail string }

// Error implements error.
func (e *Fault) Error() string {
	if e.Pointer == "" {
		return e.Detail
	}
	return e.Pointer + ": " + e.Detail
}

// Schema is a JSON Schema, ready to check values. It is safe for concurrent use, and
// checks one value at a time.
type Schema struct {
	busy  chan struct{} // holds the one turn
	meter meter
	// verdict says only whether a value fits, and holds no faults while it does.
	verdict, full *jsonschema.Schema
}

// base is what the library calls the schema. It is no file's name: that would have
// the working directory in it.
const base = "schema:///schema.json"

// Compile reads a schema: draft 2020-12 unless it says otherwise. It refers to itself
// only, and to the drafts' own schemas; nothing is loaded from anywhere. What is wrong
// with it is a [Fault].
func Compile(text []byte) (*Schema, error) {
	if len(text) > MaxText {
		return nil, &Fault{Detail: fmt.Sprintf("the schema has %d bytes, and may have %d", len(text), MaxText)}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, &Fault{Detail: "the schema is not JSON"}
	}
	switch value.(type) {
	case map[string]any, bool:
	default: // upon which the library panics
		return nil, &Fault{Detail: "a JSON Schema is an object, true or false"}
	}
	if err := checkSize(value); err != nil {
		return nil, err
	}
	s := &Schema{busy: make(chan struct{}, 1)}
	patterns := &patterns{meter: &s.meter, known: map[string]*pattern{}}
	c := jsonschema.NewCompiler()
	c.UseLoader(noRemoteLoader{})
	c.UseRegexpEngine(patterns.compile)
	if err := c.AddResource(base, value); err != nil {
		return nil, refusal(err)
	}
	s.full, err = c.Compile(base)
	if patterns.refused != nil {
		return nil, patterns.refused
	}
	if err != nil {
		return nil, refusal(err)
	}
	// What stands below "not" is asked for yes or no alone.
	const negated = "schema:///verdict.json"
	if err := c.AddResource(negated, map[string]any{"not": map[string]any{"$ref": base}}); err != nil {
		return nil, refusal(err)
	}
	if s.verdict, err = c.Compile(negated); err != nil {
		return nil, refusal(err)
	}
	s.meter.install(s.full, s.verdict)
	return s, nil
}

// noRemoteLoader loads no schema from anywhere: a reference must not read files or addresses.
type noRemoteLoader struct{}

func (noRemoteLoader) Load(url string) (any, error) {
	return nil, errors.New(url + " is not loaded: write what it refers to into $defs")
}

// refusal is the library's error without its own names.
func refusal(err error) error {
	detail := strings.ReplaceAll(strings.ReplaceAll(err.Error(), base, ""), "\n", " ")
	return &Fault{Detail: "not a JSON Schema: " + clip(detail, maxDetail)}
}

// checkSize refuses a schema that would be expensive to compile.
func checkSize(value any) error {
	var n size
	if err := n.add(value, nil); err != nil {
		return err
	}
	switch {
	case n.parts > maxParts:
		return &Fault{Detail: fmt.Sprintf("the schema has %d objects, arrays and booleans, and may have %d: split the type of event", n.parts,
			maxParts)}
	case n.ids > maxIDs:
		return &Fault{Detail: fmt.Sprintf("the schema has %d $id, and may have %d: refer to $defs in place of them", n.ids, maxIDs)}
	}
	return nil
}

// size counts what compiling a schema costs.
type size struct {
	parts int // objects, arrays and booleans
	ids   int // identifiers that parts have of their own
}

// add counts a value at a place in the schema, and what is in it.
func (n *size) add(v any, at *place) error {
	if at.depth() > maxDepth {
		return at.refuse("nested more than %d deep: write inner parts into $defs", maxDepth)
	}
	switch v := v.(type) {
	case bool:
		n.parts++
	case map[string]any:
		return n.addObject(v, at)
	case []any:
		n.parts++
		for i, inner := range v {
			if err := n.add(inner, at.in(fmt.Sprint(i))); err != nil {
				return err
			}
		}
	default:
		return checkNumber(v, at)
	}
	return nil
}

func (n *size) addObject(v map[string]any, at *place) error {
	n.parts++
	for name, inner := range v {
		if _, isText := inner.(string); isText && (name == "$id" || name == "id") {
			n.ids++
		}
		if err := n.add(inner, at.in(name)); err != nil {
			return err
		}
	}
	return nil
}
