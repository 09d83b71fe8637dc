package rule

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// matcher is one test of a request.
type matcher interface {
	match(*Request) bool
}

// spec is a matcher's name, how many arguments it takes, and how it is built.
type spec struct {
	name     string
	min, max int
	build    func(args []string) (matcher, error)
}

// httpRules is the language of HTTP routers.
func httpRules() language {
	return language{example: "Host(`app.localhost`)", foreign: notHTTP, specs: []spec{
		{"Host", 1, 1, newHost},
		{"HostRegexp", 1, 1, newHostRegexp},
		{"Path", 1, 1, newPath},
		{"PathPrefix", 1, 1, newPathPrefix},
		{"PathRegexp", 1, 1, newPathRegexp},
		{"Method", 1, 1, newMethod},
		{"Header", 2, 2, newHeader},
		{"HeaderRegexp", 2, 2, newHeaderRegexp},
		{"Query", 1, 2, newQuery},
		{"QueryRegexp", 1, 2, newQueryRegexp},
		{"ClientIP", 1, 1, newClientIP},
	}}
}

// spelled reports whether word is one of the four spellings of the name.
func (s spec) spelled(word string) bool {
	lower := strings.ToLower(s.name)
	return word == s.name || word == lower || word == strings.ToUpper(s.name) ||
		word == s.name[:1]+lower[1:]
}

type exactPath string

func newPath(args []string) (matcher, error) { return exactPath(args[0]), rooted(args[0]) }

func (p exactPath) match(req *Request) bool { return req.Path == string(p) }

type pathPrefix string

func newPathPrefix(args []string) (matcher, error) { return pathPrefix(args[0]), rooted(args[0]) }

func (p pathPrefix) match(req *Request) bool { return strings.HasPrefix(req.Path, string(p)) }

// rooted refuses a path that no request can have.
func rooted(path string) error {
	if !strings.HasPrefix(path, "/") {
		return &Error{Message: fmt.Sprintf("the path %q does not start with a slash", path),
			hint: fmt.Sprintf("write `/%s`", path)}
	}
	return nil
}

type pathRegexp struct{ *regexp.Regexp }

func newPathRegexp(args []string) (matcher, error) {
	re, err := compile(args[0])
	return pathRegexp{re}, err
}

func (p pathRegexp) match(req *Request) bool { return p.MatchString(req.Path) }

type method string

func newMethod(args []string) (matcher, error) { return method(strings.ToUpper(args[0])), nil }

func (m method) match(req *Request) bool { return req.HTTP.Method == string(m) }

type header struct{ key, value string }

func newHeader(args []string) (matcher, error) {
	return header{http.CanonicalHeaderKey(args[0]), args[1]}, nil
}

func (h header) match(req *Request) bool { return slices.Contains(req.HTTP.Header[h.key], h.value) }

type headerRegexp struct {
	key string
	re  *regexp.Regexp
}

func newHeaderRegexp(args []string) (matcher, error) {
	re, err := compile(args[1])
	return headerRegexp{http.CanonicalHeaderKey(args[0]), re}, err
}

func (h headerRegexp) match(req *Request) bool {
	return slices.ContainsFunc(req.HTTP.Header[h.key], h.re.MatchString)
}

// query with an empty value is what a single argument asks for.
type query struct{ key, value string }

func newQuery(args []string) (matcher, error) {
	q := query{key: args[0]}
	if len(args) == 2 {
		q.value = args[1]
	}
	return q, nil
}

func (q query) match(req *Request) bool { return slices.Contains(req.queryValues(q.key), q.value) }

type queryRegexp struct {
	key string
	re  *regexp.Regexp
}

func newQueryRegexp(args []string) (matcher, error) {
	if len(args) == 1 {
		return newQuery(args)
	}
	re, err := compile(args[1])
	return queryRegexp{args[0], re}, err
}

func (q queryRegexp) match(req *Request) bool {
	return slices.ContainsFunc(req.queryValues(q.key), q.re.MatchString)
}

// clientIP looks at the connection's peer only: X-Forwarded-For is the client's
// own word.
type clientIP struct{ netip.Prefix }

func newClientIP(args []string) (matcher, error) {
	if addr, err := netip.ParseAddr(args[0]); err == nil {
		addr = addr.Unmap()
		return clientIP{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(args[0])
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("%q is neither an IP address nor a range such as 10.0.0.0/8", args[0])}
	}
	return clientIP{prefix.Masked()}, nil
}

func (c clientIP) match(req *Request) bool { return c.Contains(req.ClientIP()) }

// compile explains what is wrong with a regular expression.
func compile(expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, &Error{Message: "the regular expression is malformed: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "),
			hint: "regular expressions are Go's: https://pkg.go.dev/regexp/syntax"}
	}
	return re, nil
}
