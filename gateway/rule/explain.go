package rule

import (
	"fmt"
	"strings"
)

// Verdict is what one matcher of a rule says of a request.
type Verdict struct {
	Matcher string `json:"matcher"` // as written, with a leading ! where it is negated
	Matched bool   `json:"matched"`
	// Change is what about the request would make the matcher hold, where it does
	// not, in words that go on "it would match with …".
	Change string `json:"change,omitempty"`
}

// Explain says each matcher's verdict, in the order of the rule.
func (r *Rule) Explain(req *Request) []Verdict { return r.root.explain(req, nil) }

// Unmet is the fewest verdicts that would have to be others for req to match;
// none where it does.
func (r *Rule) Unmet(req *Request) []Verdict { return r.root.unmet(req) }

func (a all) explain(req *Request, to []Verdict) []Verdict {
	for _, n := range a {
		to = n.explain(req, to)
	}
	return to
}

func (a anyOf) explain(req *Request, to []Verdict) []Verdict { return all(a).explain(req, to) }

func (l leaf) explain(req *Request, to []Verdict) []Verdict {
	v := Verdict{Matcher: l.text, Matched: l.match(req)}
	if l.negated {
		v.Matcher = "!" + v.Matcher
	}
	if !v.Matched {
		v.Change = l.change()
	}
	return append(to, v)
}

func (a all) unmet(req *Request) []Verdict {
	var list []Verdict
	for _, n := range a {
		list = append(list, n.unmet(req)...)
	}
	return list
}

func (a anyOf) unmet(req *Request) []Verdict {
	var least []Verdict
	for i, n := range a {
		m := n.unmet(req)
		if len(m) == 0 {
			return nil
		}
		if i == 0 || len(m) < len(least) {
			least = m
		}
	}
	return least
}

func (l leaf) unmet(req *Request) []Verdict {
	if l.match(req) {
		return nil
	}
	return l.explain(req, nil)
}

// change says what would make the matcher hold.
func (l leaf) change() string {
	if l.negated {
		return "what " + l.text + " does not match"
	}
	switch m := l.matcher.(type) {
	case exactHost:
		return "the host " + string(m)
	case hostSuffix:
		return "a host such as name" + string(m)
	case exactPath:
		return "the path " + string(m)
	case pathPrefix:
		return "a path that starts with " + string(m)
	case method:
		return "-X " + string(m)
	case header:
		return fmt.Sprintf("-H '%s: %s'", m.key, m.value)
	case query:
		return strings.TrimSuffix("the query ?"+m.key+"="+m.value, "=")
	case clientIP:
		return "a client in " + m.String()
	}
	return "what " + l.text + " matches"
}
