package explorer

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"
)

// What a path may ask for. Nothing can stop one that runs, so that all it could
// cost on any value is bounded before it does.
const (
	maxSegments = 20
	// maxDescents is how many ".." a path may have: the second sees each node once
	// for every level above it.
	maxDescents = 2
	// maxBranches bounds the selectors of a path, multiplied over its segments:
	// selectors may name the same node, and it is then followed as often.
	maxBranches = 8
	// maxConditions and maxPatterns bound what a filter does with each element, and
	// maxPatternSize a pattern's compiled instructions: {1000} is short to write.
	maxConditions  = 10
	maxPatterns    = 2
	maxPatternSize = 100
)

// pathCost is what makes a path dear.
type pathCost struct{ descents, filters, branches, conditions int }

// costOf refuses a query that could take long. How to fix it is in the error.
func costOf(query *spec.PathQuery) (c pathCost, err error) {
	segments := query.Segments()
	if len(segments) > maxSegments {
		return c, fmt.Errorf("has %d segments, must have at most %d: make it shorter", len(segments), maxSegments)
	}
	c.branches = 1
	for _, s := range segments {
		if err := c.segment(s); err != nil {
			return c, err
		}
	}
	switch {
	case c.descents > maxDescents:
		return c, fmt.Errorf(`has more than %d "..": name the levels between`, maxDescents)
	case c.descents > 1 && (c.filters > 0 || c.branches > 1):
		return c, errors.New(`has two ".." and a filter or a list of selectors: keep one ".."`)
	}
	return c, nil
}

func (c *pathCost) segment(s *spec.Segment) error {
	if s.IsDescendant() {
		c.descents++
	}
	selectors := s.Selectors()
	if c.branches *= len(selectors); c.branches > maxBranches {
		return fmt.Errorf("its lists of selectors multiply to more than %d: name fewer in [ , ]", maxBranches)
	}
	for _, selector := range selectors {
		filter, isFilter := selector.(*spec.FilterSelector)
		if !isFilter && isSingle(selector) {
			continue
		}
		if len(selectors) > 1 {
			return errors.New("has a wildcard, slice or filter in a list of selectors: give it a segment of its own")
		}
		if !isFilter {
			continue
		}
		if c.filters++; c.filters > 1 {
			return errors.New("has more than one filter: join the conditions with && in one")
		}
		if err := c.conditionsOf(filter.LogicalOr); err != nil {
			return err
		}
		if refersToRoot(filter.String()) {
			return errors.New("has a $ in a filter, which each element would read anew: begin with @ there")
		}
	}
	return nil
}

// isSingle reports whether a selector gives one node at most.
func isSingle(s spec.Selector) bool {
	switch s.(type) {
	case spec.Name, spec.Index:
		return true
	}
	return false
}

// conditionsOf checks a filter. Comparisons take only queries that give one node,
// by the grammar, and what functions take is checked by [newFunctions].
func (c *pathCost) conditionsOf(or spec.LogicalOr) error {
	for _, and := range or {
		for _, e := range and {
			var err error
			switch e := e.(type) {
			case *spec.ParenExpr:
				err = c.conditionsOf(e.LogicalOr)
			case *spec.NotParenExpr:
				err = c.conditionsOf(e.LogicalOr)
			case *spec.ExistExpr:
				err = c.condition(e.PathQuery)
			case *spec.NonExistExpr:
				err = c.condition(e.PathQuery)
			default:
				err = c.condition(nil)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// errInFilter says what a query in a filter may be.
var errInFilter = errors.New("has a filter, .., wildcard, slice or list inside a filter: name one field there, like @.price")

func (c *pathCost) condition(query *spec.PathQuery) error {
	if c.conditions++; c.conditions > maxConditions {
		return fmt.Errorf("its filter has more than %d conditions: leave some out", maxConditions)
	}
	if query != nil && query.Singular() == nil {
		return errInFilter
	}
	return nil
}

// refersToRoot finds a $ in a filter's text: its comparisons do not show what they
// compare in any other way. Names and texts in it are in quotes.
func refersToRoot(filter string) bool {
	quoted := false
	for i := 0; i < len(filter); i++ {
		switch c := filter[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '$' && !quoted:
			return true
		}
	}
	return false
}

// newFunctions are the standard's functions, of single nodes only. A pattern is
// compiled once: the library does so for each element, and falls over where a
// pattern that comes from the value is missing.
func newFunctions() *registry.Registry {
	functions := registry.New()
	patterns := 0
	for _, name := range []string{"length", "count", "value", "match", "search"} {
		f := functions.Get(name)
		standard := *f
		check, evaluate := standard.Validate, standard.Evaluate
		if name == "match" || name == "search" {
			compiled := map[string]*regexp.Regexp{}
			evaluate = func(args []spec.PathValue) spec.PathValue { return matches(compiled, args) }
			check = func(args []spec.FuncExprArg) error {
				if err := standard.Validate(args); err != nil {
					return err
				}
				if patterns++; patterns > maxPatterns {
					return fmt.Errorf("more than %d patterns: join them with | in one", maxPatterns)
				}
				return addPattern(compiled, args[1], name == "match")
			}
		}
		// Its registry takes no function twice, but what it gives is this one's own.
		*f = *spec.Extension(name, standard.ReturnType(), func(args []spec.FuncExprArg) error {
			for _, arg := range args {
				if _, many := arg.(*spec.PathQuery); many {
					return errInFilter
				}
			}
			return check(args)
		}, evaluate)
	}
	return functions
}

func matches(compiled map[string]*regexp.Regexp, args []spec.PathValue) spec.PathValue {
	subject, pattern := spec.ValueFrom(args[0]), spec.ValueFrom(args[1])
	if subject == nil || pattern == nil {
		return spec.LogicalFalse
	}
	text, isText := subject.Value().(string)
	key, isKey := pattern.Value().(string)
	return spec.Logical(isText && isKey && compiled[key].MatchString(text))
}

// addPattern compiles a pattern as RFC 9485 means it: a dot is no line's end.
func addPattern(compiled map[string]*regexp.Regexp, arg spec.FuncExprArg, whole bool) error {
	literal, _ := arg.(*spec.LiteralArg)
	if literal == nil {
		return errors.New("its pattern must stand in the path: write it in quotes")
	}
	text, isText := literal.Value().(string)
	if !isText {
		return errors.New("its pattern must be a text: write it in quotes")
	}
	tree, err := syntax.Parse(text, syntax.Perl|syntax.DotNL)
	if err != nil {
		return fmt.Errorf("its pattern cannot be read: %w", err)
	}
	if err := noLineEnds(tree); err != nil {
		return err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxPatternSize {
		return errors.New("its pattern is too large: shorten it, or lower the numbers in { }")
	}
	text = tree.String()
	if whole {
		text = `\A(?:` + text + `)\z`
	}
	compiled[literal.Value().(string)], err = regexp.Compile(text)
	return err
}

// noLineEnds makes each dot in a pattern one that is no line's end.
func noLineEnds(tree *syntax.Regexp) error {
	if tree.Op == syntax.OpAnyChar {
		dot, err := syntax.Parse(`[^\n\r]`, syntax.Perl)
		if err != nil {
			return err
		}
		*tree = *dot
	}
	for _, sub := range tree.Sub {
		if err := noLineEnds(sub); err != nil {
			return err
		}
	}
	return nil
}

// parseQuery reads a JSONPath that costs little on any value.
func parseQuery(text string) (*jsonpath.Path, pathCost, error) {
	parsed, err := jsonpath.NewParser(jsonpath.WithRegistry(newFunctions())).Parse(text)
	if err != nil {
		return nil, pathCost{}, errors.New(strings.TrimPrefix(err.Error(), "jsonpath: "))
	}
	cost, err := costOf(parsed.Query())
	return parsed, cost, err
}
