package rule_test

import (
	"strings"
	"testing"

	"axion/gateway/rule"
)

// doubts holds rules that Traefik v3 reads and that do not mean what they say; the
// corrected one is what the hint says to write.
var doubts = []struct {
	name, rule, message, corrected string
}{
	{"V2HostRegexp", "HostRegexp(`{sub:[a-z]+}.localhost`)", "v2's syntax", "HostRegexp(`^(?:[a-z]+)\\.localhost$`)"},
	{"V2HostRegexpName", "HostRegexp(`{any}`)", "v2's syntax", "HostRegexp(`^[^.]+$`)"},
	{"V2HostRegexpCounted", "HostRegexp(`{id:[0-9]{2,3}}.localhost`)", "v2's syntax", "HostRegexp(`^(?:[0-9]{2,3})\\.localhost$`)"},
	{"V2Path", "Path(`/x/{id:[0-9]+}`)", "v2's syntax", "PathRegexp(`^/x/(?:[0-9]+)$`)"},
	{"V2PathPrefix", "PathPrefix(`/x/{id}/y`)", "v2's syntax", "PathRegexp(`^/x/[^/]+/y`)"},
	{"V2PathRegexp", "PathRegexp(`^/x/{id:[0-9]+}$`)", "v2's syntax", "PathRegexp(`^/x/(?:[0-9]+)`)"},
	{"V2Query", "Query(`a=b`)", "v2's syntax", "Query(`a`, `b`)"},
	{"V2QueryPattern", "Query(`a={x:[0-9]+}`)", "v2's syntax", "QueryRegexp(`a`, `(?:[0-9]+)`)"},
	{"V2QueryEmpty", "Query(`a=`)", "v2's syntax", ""},
	{"QueryMark", "Query(`?a`, `b`)", "the name \"?a\"", "Query(`a`, `b`)"},
	{"HostScheme", "Host(`https://a.localhost`)", "a scheme", "Host(`a.localhost`)"},
	{"HostSchemePath", "Host(`https://a.localhost:8443/x`)", "a scheme", "Host(`a.localhost`) && PathPrefix(`/x`)"},
	{"HostPort", "Host(`a.localhost:8080`)", "a port", "Host(`a.localhost`)"},
	{"HostPort6", "Host(`[::1]:8080`)", "a port", "Host(`[::1]`)"},
	{"HostPath", "Host(`a.localhost/api`)", "a path", "Host(`a.localhost`) && PathPrefix(`/api`)"},
	{"HostSlash", "Host(`a.localhost/`)", "a path", "Host(`a.localhost`)"},
	{"HostList", "Host(`a.localhost, b.localhost`)", "one host", "Host(`a.localhost`) || Host(`b.localhost`)"},
	{"HostComma", "Host(`a.localhost,`)", "one host", "Host(`a.localhost`)"},
	{"HostSpace", "Host(` a.localhost`)", "spaces", "Host(`a.localhost`)"},
	{"HostQuotes", "Host(`'a.localhost'`)", "quotes", "Host(`a.localhost`)"},
	{"HostDot", "Host(`.a.localhost`)", "empty label", "Host(`*.a.localhost`)"},
	{"HostVariable", "Host(`$NAME.localhost`)", "nothing puts a value there", ""},
	{"HostStrange", "Host(`a=b.localhost`)", `"="`, ""},
	{"HostRegexpUpper", "HostRegexp(`^App\\.localhost$`)", "lower case", "HostRegexp(`(?i)^App\\.localhost$`)"},
	{"HostRegexpScheme", "HostRegexp(`^https://a`)", "which no host has", ""},
	{"HostRegexpPort", "HostRegexp(`^a\\.localhost:80$`)", "which no host has", ""},
	{"PathQuery", "Path(`/x?a=b`)", "a query", "Path(`/x`) && Query(`a`, `b`)"},
	{"PathFragment", "PathPrefix(`/x#a`)", "a fragment", ""},
	{"PathStar", "PathPrefix(`/api/*`)", "stands for itself", "PathPrefix(`/api/`)"},
	{"PathStarWithin", "Path(`/api/*/x`)", "stands for itself", "PathRegexp(`^/api/.*/x$`)"},
	{"PathDots", "PathPrefix(`/a/../b`)", "rules see a path", "PathPrefix(`/b`)"},
	{"PathSlashes", "Path(`//a`)", "rules see a path", "Path(`/a`)"},
	{"PathEscape", "Path(`/%61`)", "rules see a path", "Path(`/a`)"},
	{"PathEscapeCase", "Path(`/a%2fb`)", "rules see a path", "Path(`/a%2Fb`)"},
	{"PathSpace", "Path(`/a `)", "spaces", "Path(`/a`)"},
	{"PathRegexpQuery", "PathRegexp(`^/a\\?b=c`)", "neither query", ""},
	{"MethodList", "Method(`GET,POST`)", "not a method", "Method(`GET`) || Method(`POST`)"},
	{"MethodPipe", "Method(`get|post`)", "not a method", "Method(`GET`) || Method(`POST`)"},
	{"HeaderHost", "Header(`host`, `a.localhost`)", "the header Host", ""},
	{"HeaderColon", "Header(`X-A:`, `1`)", "name of a header", "Header(`X-A`, `1`)"},
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	for _, tt := range doubts {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := rule.Parse("Path(`/`) ||\n " + tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			list := r.Doubts()
			if len(list) != 1 || !strings.Contains(list[0].Message, tt.message) || list[0].Line != 2 || list[0].Column != 2 {
				t.Fatalf("got %+v, want one with %q in line 2, column 2", list, tt.message)
			}
			if tt.corrected == "" {
				return
			}
			if !strings.HasPrefix(list[0].Hint, "write "+tt.corrected) {
				t.Errorf("got hint %q, want %q", list[0].Hint, tt.corrected)
			}
			if r, err := rule.Parse(tt.corrected); err != nil || len(r.Doubts()) > 0 {
				t.Errorf("the hint itself: got %v, %v", r.Doubts(), err)
			}
		})
	}
}

func TestNoDoubts(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"Host(`A.localhost`)", "Host(`a.localhost.`)", "Host(`*.a.localhost`)", "Host(`*`)", "Host(`10::10`)", "Host(`[::1]`)",
		"Host(`a_b.localhost`)",
		"HostRegexp(`^[a-z]{2,3}\\.localhost$`)", "HostRegexp(`^(?i)App`)", "HostRegexp(`^(A|b)$`)", "HostRegexp(`.+\\.localhost(:\\d+)?$`)",
		"HostRegexp(`x{2}`)",
		"Path(`/`)", "PathPrefix(`/.well-known`)", "PathPrefix(`/.`)", "PathPrefix(`/a%2F`)", "PathPrefix(`/ü`)", "Path(`/a b`)",
		"PathRegexp(`^/x/[0-9]{1,4}$`)",
		"PathRegexp(`^/a?$`)", "PathRegexp(`\\.(js|css)$`)", "Query(`a`)", "Query(`a`, `b=c`)", "QueryRegexp(`a`, `^x=`)", "Method(`get`)",
		"Method(`M-SEARCH`)",
		"Header(`X-A`, `\"etag\"`)", "HeaderRegexp(`X-A`, `^a `) || ClientIP(`10.0.0.0/8`)",
	} {
		r, err := rule.Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if len(r.Doubts()) > 0 {
			t.Errorf("%s: got %+v, want none", s, r.Doubts())
		}
	}
}

func TestTCPDoubts(t *testing.T) {
	t.Parallel()
	r, err := rule.ParseTCP("HostSNI(`db.localhost:5432`) || HostSNIRegexp(`{n:[a-z]+}.localhost`)")
	if err != nil || len(r.Doubts()) != 2 || !strings.Contains(r.Doubts()[0].Hint, "HostSNI(`db.localhost`)") ||
		!strings.Contains(r.Doubts()[1].Message, "v2") {
		t.Errorf("got %+v, %v", r.Doubts(), err)
	}
}
