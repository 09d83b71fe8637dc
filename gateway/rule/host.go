package rule

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"axion/gateway/hostname"
)

// hostMatcher is a matcher that looks at the host alone, which lets the router
// be indexed by host.
type hostMatcher interface {
	matcher
	matchHost(host string) bool
	// literal is the only host that matches, or empty where there are others.
	literal() string
	// matchesAnyHost says that no host is refused.
	matchesAnyHost() bool
}

type exactHost string

func (h exactHost) match(req *Request) bool    { return req.Host == string(h) }
func (h exactHost) matchHost(host string) bool { return host == string(h) }
func (h exactHost) literal() string            { return string(h) }
func (h exactHost) matchesAnyHost() bool       { return false }

// hostSuffix is a wildcard such as *.localhost, held as ".localhost".
type hostSuffix string

func (h hostSuffix) match(req *Request) bool { return h.matchHost(req.Host) }

func (h hostSuffix) matchHost(host string) bool {
	label, ok := strings.CutSuffix(host, string(h))
	return ok && label != "" && !strings.Contains(label, ".")
}

func (h hostSuffix) literal() string      { return "" }
func (h hostSuffix) matchesAnyHost() bool { return false }

// anyHost is Host(`*`).
type anyHost struct{}

func (anyHost) match(*Request) bool   { return true }
func (anyHost) matchHost(string) bool { return true }
func (anyHost) literal() string       { return "" }
func (anyHost) matchesAnyHost() bool  { return true }

type hostRegexp struct{ *regexp.Regexp }

func (h hostRegexp) match(req *Request) bool    { return h.MatchString(req.Host) }
func (h hostRegexp) matchHost(host string) bool { return h.MatchString(host) }
func (h hostRegexp) literal() string            { return "" }
func (h hostRegexp) matchesAnyHost() bool       { return false }

func newHost(args []string) (matcher, error) {
	name := strings.ToLower(strings.TrimSpace(args[0]))
	if err := ascii(name); err != nil {
		return nil, err
	}
	if normal, err := hostname.Name(name); err == nil {
		name = normal // else no request has it
	}
	switch suffix, wild := strings.CutPrefix(name, "*"); {
	case name == "":
		return nil, &Error{Message: fmt.Sprintf("%q is not a host", args[0])}
	case name == "*":
		return anyHost{}, nil
	case wild && len(suffix) > 1 && suffix[0] == '.' && !strings.Contains(suffix, "*"):
		return hostSuffix(suffix), nil
	case strings.Contains(name, "*"):
		return nil, &Error{Message: fmt.Sprintf("the host %q has a wildcard that is not its whole first label", name),
			hint: "use `*.example.localhost`, or HostRegexp"}
	case strings.Contains(name, "${"):
		return nil, &Error{Message: fmt.Sprintf("the host %q holds a variable, and nothing puts a value there", args[0]),
			hint: "write the host itself; files of dynamic configuration take {{ env \"NAME\" }}"}
	case strings.Contains(name, "{"):
		return nil, &Error{Message: fmt.Sprintf("the host %q has a pattern in the v2 syntax", name),
			hint: "use HostRegexp with a regular expression of Go, such as `^.+\\.example\\.localhost$`"}
	}
	return exactHost(name), nil
}

func newHostRegexp(args []string) (matcher, error) {
	if err := ascii(args[0]); err != nil {
		return nil, err
	}
	re, err := compile(args[0])
	return hostRegexp{re}, err
}

// ascii refuses a name as people write it: requests carry it in punycode.
func ascii(name string) error {
	for i := range len(name) {
		if name[i] < 0x80 {
			continue
		}
		e := &Error{Message: fmt.Sprintf("the host %q is not ASCII", name)}
		if p, err := idna.Lookup.ToASCII(name); err == nil {
			e.hint = fmt.Sprintf("write `%s`", p)
		}
		return e
	}
	return nil
}
