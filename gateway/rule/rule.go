// Package rule parses and evaluates the rules of HTTP routers in Traefik v3's
// language: matchers such as Host(`a.localhost`) joined by &&, || and !.
package rule

import "sync"

// Rule is a parsed rule. It is immutable and safe for concurrent use.
type Rule struct {
	source string
	root   node
	doubts []Doubt

	naming    sync.Once // of the next two
	hosts     []string
	others    bool
	selecting sync.Once // of the next
	selectors []Selector
}

// Parse reads a rule. The error is an [*Error], which says where in the rule
// and why, and often how to fix it.
func Parse(s string) (*Rule, error) {
	root, doubts, err := httpRules().parse(s)
	if err != nil {
		return nil, err
	}
	return &Rule{source: s, root: root, doubts: doubts}, nil
}

// Match reports whether the rule accepts req. Rules without a query matcher do
// not allocate.
func (r *Rule) Match(req *Request) bool { return r.root.match(req) }

// String is the rule as it was written.
func (r *Rule) String() string { return r.source }
