package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of regular expressions.
const (
	maxPattern      = 1000   // bytes
	maxInstructions = 2000   // of one, compiled
	allInstructions = 10_000 // of all that a schema has
	// charactersAStep is how many characters one instruction looks at in a step.
	charactersAStep = 32
)

// patterns compiles a schema's regular expressions.
type patterns struct {
	meter        *meter
	known        map[string]*pattern
	instructions int
	refused      *Fault // the first, which the library hides in its own words
}

// compile is the library's way to them. The same function answers the format "regex",
// whose expressions come from values too: those are not kept.
func (p *patterns) compile(text string) (jsonschema.Regexp, error) {
	if known := p.known[text]; known != nil {
		return known, nil
	}
	size, err := p.measure(text)
	if err != nil && p.meter.budget == nil && p.refused == nil {
		p.refused = &Fault{Detail: fmt.Sprintf("pattern %q: %v", clip(text, maxQuoted), err)}
	}
	if err != nil {
		return nil, err
	}
	p.meter.spend(size)
	compiled, err := regexp.Compile(text)
	if err != nil || p.meter.budget != nil {
		return compiled, err
	}
	p.known[text] = &pattern{Regexp: compiled, meter: p.meter, size: size}
	return p.known[text], nil
}

// measure refuses an expression that would be dear.
func (p *patterns) measure(text string) (size int, err error) {
	if len(text) > maxPattern {
		return 0, fmt.Errorf("has %d bytes, and may have %d", len(text), maxPattern)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	// Before it is compiled: {1000} is short to write.
	if size = sizeOf(tree); size > maxInstructions {
		return 0, fmt.Errorf("has more than %d instructions: lower the numbers in { }", maxInstructions)
	}
	if p.meter.budget == nil {
		if p.instructions += size; p.instructions > allInstructions {
			return 0, fmt.Errorf("with it the schema's patterns have more than %d instructions together", allInstructions)
		}
	}
	return size, nil
}

// sizeOf is about how many instructions an expression compiles to, and more rather
// than fewer. It stops counting beyond the bound.
func sizeOf(tree *syntax.Regexp) int {
	size := 1
	if tree.Op == syntax.OpLiteral {
		size = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		size = min(size+sizeOf(sub), maxInstructions+1)
	}
	if tree.Op == syntax.OpRepeat {
		times := max(tree.Max, tree.Min+1)
		size = min(size*times, maxInstructions+1)
	}
	return size
}

// pattern counts what its matches cost.
type pattern struct {
	*regexp.Regexp
	meter *meter
	size  int
}

// MatchString implements [jsonschema.Regexp].
func (p *pattern) MatchString(text string) bool {
	p.meter.spend(1 + p.size*len(text)/charactersAStep)
	return p.Regexp.MatchString(text)
}
