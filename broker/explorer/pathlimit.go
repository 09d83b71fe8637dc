package explorer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"
)

// maxConditions bounds what the filter of a path does with each element.
const maxConditions = 10

// Why a path is refused, and what to do about it.
var (
	errDescent  = errors.New(`has "..": name the levels between, or search for a text`)
	errSelector = errors.New("has a slice or a list in [ ]: a path has names, indexes, [*] and one filter")
	errFilters  = errors.New("has more than one filter: join the conditions with && in one")
	errInFilter = errors.New("has a filter, .., wildcard, slice or list inside a filter: name one field there, like @.price")
	errRoot     = errors.New("has a $ in a filter, which each element would read anew: begin with @ there")
)

// parseQuery reads a JSONPath that follows each node of a value once at most: of names,
// indexes, wildcards and one filter. Nothing can stop one that runs, so that a search looks
// at the time between two messages only, and the size of those bounds what lies between. It reports
// whether the path has a filter.
func parseQuery(text string) (query *jsonpath.Path, filtered bool, err error) {
	query, err = jsonpath.NewParser(jsonpath.WithRegistry(&registry.Registry{})).Parse(text) // no functions
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "jsonpath: ")
		if strings.HasPrefix(reason, "unknown function") {
			reason += ": compare fields in the filter, like @.price > 10"
		}
		return nil, false, errors.New(reason)
	}
	for _, s := range query.Query().Segments() {
		if s.IsDescendant() {
			return nil, false, errDescent
		}
		if len(s.Selectors()) != 1 {
			return nil, false, errSelector
		}
		switch selector := s.Selectors()[0].(type) {
		case spec.Name, spec.Index, spec.WildcardSelector:
		case *spec.FilterSelector:
			if filtered {
				return nil, false, errFilters
			}
			filtered = true
			if err := checkFilter(selector); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, errSelector
		}
	}
	return query, filtered, nil
}

// checkFilter refuses a filter that looks at more than single fields of an element.
func checkFilter(filter *spec.FilterSelector) error {
	conditions, err := countConditions(filter.LogicalOr)
	switch {
	case err != nil:
		return err
	case conditions > maxConditions:
		return fmt.Errorf("its filter has more than %d conditions: leave some out", maxConditions)
	case refersToRoot(filter.String()):
		return errRoot
	}
	return nil
}

// countConditions counts the conditions of a filter. Comparisons take only queries that give
// one node, by the grammar.
func countConditions(or spec.LogicalOr) (n int, err error) {
	for _, and := range or {
		for _, e := range and {
			inner, query := spec.LogicalOr(nil), (*spec.PathQuery)(nil)
			switch e := e.(type) {
			case *spec.ParenExpr:
				inner = e.LogicalOr
			case *spec.NotParenExpr:
				inner = e.LogicalOr
			case *spec.ExistExpr:
				query = e.PathQuery
			case *spec.NonExistExpr:
				query = e.PathQuery
			}
			if query != nil && query.Singular() == nil {
				return n, errInFilter
			}
			more, err := countConditions(inner)
			if err != nil {
				return n, err
			}
			n += max(more, 1)
		}
	}
	return n, nil
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
