package rule_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/gateway/rule"
)

// request is one as the server hands it over.
func request(t *testing.T, method, url string, headers ...string) *rule.Request {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	r.RemoteAddr = "10.1.2.3:4567"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	req, err := rule.NewRequest(r)
	if err != nil {
		t.Fatalf("NewRequest(%s): %v", url, err)
	}
	return req
}

func parse(t *testing.T, s string) *rule.Rule {
	t.Helper()
	r, err := rule.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%s): %v", s, err)
	}
	return r
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule string
		yes  []string
		no   []string
	}{
		{"Host(`a.localhost`)",
			[]string{"http://a.localhost/", "http://A.LocalHost:8443/", "http://a.localhost./", "http://a.localhost.:80/"},
			[]string{"http://b.localhost/", "http://x.a.localhost/", "http://a.localhost.evil/"}},
		{`Host("A.localhost.")`, []string{"http://a.localhost/"}, []string{"http://b.localhost/"}},
		{"Host(`*.localhost`)", []string{"http://a.localhost/"}, []string{"http://localhost/", "http://a.b.localhost/", "http://-/"}},
		{"Host(`*`)", []string{"http://anything/"}, nil},
		{"Host(`10::10`)", []string{"http://[10::10]/", "http://[10::10]:80/"}, []string{"http://[10::11]/"}},
		{"HostRegexp(`^[a-z]+\\.localhost$`)", []string{"http://ABC.localhost/"}, []string{"http://a1.localhost/"}},
		{"HostRegexp(`local`)", []string{"http://x.localhost/"}, []string{"http://remote/"}},
		{"Path(`/a`)", []string{"http://x/a", "http://x/a?q=1", "http://x/%61", "http://x//a", "http://x/b/../a"},
			[]string{"http://x/a/", "http://x/ab", "http://x/A"}},
		{"Path(`/a%2Fb`)", []string{"http://x/a%2Fb", "http://x/a%2fb"}, []string{"http://x/a/b"}},
		{"Path(`/a b`)", []string{"http://x/a%20b"}, nil},
		{"Path(`/é`)", []string{"http://x/%C3%A9", "http://x/%c3%a9"}, nil},
		{"PathPrefix(`/products`)", []string{"http://x/products", "http://x/products-x", "http://x/products/1"},
			[]string{"http://x/product", "http://x/products/../admin"}},
		{"PathRegexp(`^/v[0-9]+/`)", []string{"http://x/v1/a"}, []string{"http://x/va/"}},
		{"Method(`get`)", []string{"http://x/"}, nil},
		{"Method(`POST`)", nil, []string{"http://x/"}},
		{"Header(`x-kind`, `one`)", []string{"http://x/"}, nil},
		{"Header(`X-Kind`, `on`)", nil, []string{"http://x/"}},
		{"HeaderRegexp(`X-Kind`, `^o`)", []string{"http://x/"}, nil},
		{"HeaderRegexp(`X-Other`, `.*`)", nil, []string{"http://x/"}},
		{"Query(`a`, `1`)", []string{"http://x/?a=1", "http://x/?a=2&a=1"}, []string{"http://x/?a=2", "http://x/"}},
		{"Query(`a`)", []string{"http://x/?a", "http://x/?a="}, []string{"http://x/?a=1", "http://x/?b"}},
		{"QueryRegexp(`a`, `^[0-9]+$`)", []string{"http://x/?a=12"}, []string{"http://x/?a=x", "http://x/"}},
		{"QueryRegexp(`a`)", []string{"http://x/?a"}, []string{"http://x/?a=1"}},
		{"ClientIP(`10.1.2.3`)", []string{"http://x/"}, nil},
		{"ClientIP(`::ffff:10.1.2.3`)", []string{"http://x/"}, nil},
		{"ClientIP(`10.1.9.9/16`)", []string{"http://x/"}, nil},
		{"ClientIP(`10.2.0.0/16`)", nil, []string{"http://x/"}},
		{"ClientIP(`::1`)", nil, []string{"http://x/"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			r := parse(t, tt.rule)
			for _, url := range tt.yes {
				if !r.Match(request(t, "GET", url, "X-Kind", "two", "X-Kind", "one")) {
					t.Errorf("%s: got no match for %s", tt.rule, url)
				}
			}
			for _, url := range tt.no {
				if r.Match(request(t, "GET", url, "X-Kind", "two", "X-Kind", "one")) {
					t.Errorf("%s: got a match for %s", tt.rule, url)
				}
			}
		})
	}
}

// TestLogic evaluates expressions over three facts, A, B and C, in all of their
// eight combinations, against Go's own operators.
func TestLogic(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule string
		want func(a, b, c bool) bool
	}{
		{"A && B || C", func(a, b, c bool) bool { return a && b || c }},
		{"A || B && C", func(a, b, c bool) bool { return a || b && c }},
		{"(A || B) && C", func(a, b, c bool) bool { return (a || b) && c }},
		{"!A && B", func(a, b, c bool) bool { return !a && b }},
		{"!(A && B) || C", func(a, b, c bool) bool { return !(a && b) || c }},
		{"!(A || B)", func(a, b, c bool) bool { return !(a || b) }},
		{"!(A || !(B && !C))", func(a, b, c bool) bool { return !(a || !(b && !c)) }},
		{"!!A", func(a, b, c bool) bool { return a }},
		{"A && (B && (C))", func(a, b, c bool) bool { return a && b && c }},
		{"((A)) ||\nB", func(a, b, c bool) bool { return a || b }},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			r := parse(t, strings.NewReplacer("A", "Header(`a`,`1`)", "B", "Query(`b`,`1`)", "C", "Path(`/c`)").Replace(tt.rule))
			for i := range 8 {
				a, b, c := i&1 != 0, i&2 != 0, i&4 != 0
				url := "http://x/"
				if c {
					url += "c"
				}
				if b {
					url += "?b=1"
				}
				var headers []string
				if a {
					headers = []string{"A", "1"}
				}
				if got, want := r.Match(request(t, "GET", url, headers...)), tt.want(a, b, c); got != want {
					t.Errorf("%s with %t %t %t: got %t, want %t", tt.rule, a, b, c, got, want)
				}
			}
		})
	}
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"PathPrefix", "pathprefix", "PATHPREFIX", "Pathprefix"} {
		if !parse(t, name+"(`/a`)").Match(request(t, "GET", "http://x/ab")) {
			t.Errorf("%s: got no match", name)
		}
	}
	if _, err := rule.Parse("pathPrefix(`/a`)"); err == nil {
		t.Error("pathPrefix: got no error for a fifth spelling")
	}
}

func TestMatchAllocates(t *testing.T) {
	r := parse(t, "Host(`a.localhost`) && PathPrefix(`/api`) && !Method(`PUT`) && (Header(`X-A`,`1`) || ClientIP(`10.0.0.0/8`))")
	req := request(t, http.MethodGet, "http://a.localhost/api/x")
	if n := testing.AllocsPerRun(100, func() { r.Match(req) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
