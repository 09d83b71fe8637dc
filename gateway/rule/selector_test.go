package rule_test

import (
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"axion/gateway/rule"
)

func TestSelectors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]rule.Selector{
		"Host(`a`)":                                     {{Host: "a"}},
		"Host(`*.a`)":                                   {{Host: "*.a"}},
		"Host(`*`)":                                     {{}},
		"!Host(`a`)":                                    {{}},
		"Method(`GET`)":                                 {{}},
		"Host(`a`) && PathPrefix(`/x`)":                 {{Host: "a", Path: "/x"}},
		"Host(`a`) && Path(`/x`)":                       {{Host: "a", Path: "/x", Exact: true}},
		"Path(`/x/y`) && PathPrefix(`/x`)":              {{Path: "/x/y", Exact: true}},
		"PathPrefix(`/x`) && Path(`/x`)":                {{Path: "/x", Exact: true}},
		"Path(`/x`) && PathPrefix(`/x/y`)":              nil,
		"Host(`a`) && Host(`b`)":                        nil,
		"Host(`*.a`) && Host(`x.a`)":                    {{Host: "x.a"}},
		"Host(`*.a`) && Host(`x.y.a`)":                  nil,
		"Host(`a`) || Path(`/x`)":                       {{Host: "a"}, {Path: "/x", Exact: true}},
		"(Host(`a`) || Host(`b`)) && PathPrefix(`/x`)":  {{Host: "a", Path: "/x"}, {Host: "b", Path: "/x"}},
		"Host(`a`) || HostRegexp(`b`)":                  {{Host: "a"}, {}},
		"!(Host(`a`) && Path(`/x`))":                    {{}, {}},
		"Host(`a`) && !(Path(`/x`) || PathPrefix(`/`))": {{Host: "a"}},
	} {
		r, err := rule.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := r.Selectors(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestSelectorsBounded(t *testing.T) {
	t.Parallel()
	alternatives := func(matcher string) string {
		var parts []string
		for i := range 20 {
			parts = append(parts, fmt.Sprintf(matcher, i))
		}
		return "(" + strings.Join(parts, " || ") + ")"
	}
	r, err := rule.Parse(alternatives("Host(`h%d`)") + " && " + alternatives("Path(`/%d`)"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(r.Selectors()); got > 64 || got == 0 {
		t.Errorf("got %d selectors, want at most 64 that cover the rule", got)
	}
}

// FuzzSelectors checks that what a rule matches is in one of its selectors.
func FuzzSelectors(f *testing.F) {
	f.Add("Host(`a`) && (PathPrefix(`/x`) || !Path(`/y`))", "a", "/x/z")
	f.Add("Host(`*.a`) || Path(`/y`)", "b.a", "/")
	f.Fuzz(func(t *testing.T, text, host, path string) {
		r, err := rule.Parse(text)
		if err != nil {
			return
		}
		h := httptest.NewRequest("GET", "/", nil)
		h.Host, h.URL.Path = host, path
		req, err := rule.NewRequest(h)
		if err != nil || !r.Match(req) {
			return
		}
		for _, s := range r.Selectors() {
			_, above, _ := strings.Cut(req.Host, ".")
			host := s.Host == "" || s.Host == req.Host || s.Host == "*."+above
			if host && (s.Exact && s.Path == req.Path || !s.Exact && strings.HasPrefix(req.Path, s.Path)) {
				return
			}
		}
		t.Errorf("%q matches %q %q, which no selector covers: %+v", text, req.Host, req.Path, r.Selectors())
	})
}
