package rule

// node is a part of a rule in negation normal form: negations stand at leaves
// only, so that what a rule demands of the host can be read off the tree.
type node interface {
	match(*Request) bool
	// host says what the part demands of the host.
	host(host string) verdict
	// open reports whether hosts that are not spelled out can match.
	open() bool
	// names appends the hosts that are spelled out, matching or not.
	names(to []string) []string
	// selectors cover the part, as those of [Rule.Selectors] do the rule.
	selectors() []Selector
	// explain appends the verdicts of the part's matchers.
	explain(req *Request, to []Verdict) []Verdict
	// unmet are the fewest verdicts that keep the part from matching.
	unmet(req *Request) []Verdict
}

// verdict is what a part of a rule says of one host.
type verdict struct {
	possible bool // some request with this host can match
	named    bool // and it is this host that the rule asks for
}

type all []node

func (a all) match(req *Request) bool {
	for _, n := range a {
		if !n.match(req) {
			return false
		}
	}
	return true
}

func (a all) host(host string) verdict {
	v := verdict{possible: true}
	for _, n := range a {
		w := n.host(host)
		if !w.possible {
			return verdict{}
		}
		v.named = v.named || w.named
	}
	return v
}

func (a all) open() bool {
	for _, n := range a {
		if !n.open() {
			return false
		}
	}
	return true
}

func (a all) names(to []string) []string {
	for _, n := range a {
		to = n.names(to)
	}
	return to
}

type anyOf []node

func (a anyOf) match(req *Request) bool {
	for _, n := range a {
		if n.match(req) {
			return true
		}
	}
	return false
}

func (a anyOf) host(host string) verdict {
	var v verdict
	for _, n := range a {
		w := n.host(host)
		v.possible = v.possible || w.possible
		v.named = v.named || w.named
	}
	return v
}

func (a anyOf) open() bool {
	for _, n := range a {
		if n.open() {
			return true
		}
	}
	return false
}

func (a anyOf) names(to []string) []string {
	for _, n := range a {
		to = n.names(to)
	}
	return to
}

// leaf is one matcher, negated or not.
type leaf struct {
	matcher
	negated bool
	text    string // as written
}

func (l leaf) match(req *Request) bool { return l.matcher.match(req) != l.negated }

func (l leaf) host(host string) verdict {
	h, ok := l.matcher.(hostMatcher)
	if !ok {
		return verdict{possible: true}
	}
	hit := h.matchHost(host)
	if l.negated || h.matchesAnyHost() {
		return verdict{possible: hit != l.negated}
	}
	return verdict{possible: hit, named: hit}
}

func (l leaf) open() bool {
	h, ok := l.matcher.(hostMatcher)
	return !ok || l.negated || h.literal() == ""
}

func (l leaf) names(to []string) []string {
	if h, ok := l.matcher.(hostMatcher); ok && h.literal() != "" {
		return append(to, h.literal())
	}
	return to
}
