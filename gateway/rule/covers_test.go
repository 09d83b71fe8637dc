package rule_test

import (
	"net/http/httptest"
	"testing"

	"axion/gateway/rule"
)

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wide, narrow string
		want         bool
	}{
		{"Host(`a`)", "Host(`a`) && Path(`/x`)", true},
		{"Host(`a`)", "Host(`A`)", true},
		{"Host(`a`)", "Host(`b`) && Path(`/x`)", false},
		{"Host(`a`) && Path(`/x`)", "Host(`a`)", false},
		{"PathPrefix(`/`)", "Host(`a`)", true},
		{"PathPrefix(`/x`)", "Host(`a`) && PathPrefix(`/x/y`)", true},
		{"PathPrefix(`/x/y`)", "PathPrefix(`/x`)", false},
		{"Path(`/x`)", "PathPrefix(`/x`)", false},
		{"Host(`*.a`)", "Host(`b.a`)", true},
		{"Host(`*.a`)", "Host(`a`)", false},
		{"HostRegexp(`^.+$`)", "Host(`a`) || Host(`b`)", true},
		{"Host(`a`) || Host(`b`)", "Host(`b`)", true},
		{"Host(`a`)", "Host(`a`) || Host(`b`)", false},
		{"Host(`*`)", "Method(`GET`)", true},
		{"Method(`get`)", "Method(`GET`) && Host(`a`)", true},
		{"!Host(`a`)", "!Host(`a`) && Path(`/x`)", true},
		{"!Host(`a`)", "Host(`a`)", false},
		{"ClientIP(`10.0.0.0/8`)", "ClientIP(`10.1.0.0/16`)", true},
		{"ClientIP(`10.1.0.0/16`)", "ClientIP(`10.0.0.0/8`)", false},
	} {
		wide, err := rule.Parse(tt.wide)
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := rule.Parse(tt.narrow)
		if err != nil {
			t.Fatal(err)
		}
		if got := wide.Covers(narrow); got != tt.want {
			t.Errorf("%s covers %s: got %t, want %t", tt.wide, tt.narrow, got, tt.want)
		}
	}
}

// FuzzCovers checks that what the narrow rule accepts the wide one does.
func FuzzCovers(f *testing.F) {
	f.Add("Host(`a`) || PathPrefix(`/x`)", "Host(`a`) && Path(`/x`)", "a", "/x")
	f.Fuzz(func(t *testing.T, a, b, host, path string) {
		wide, err := rule.Parse(a)
		if err != nil {
			return
		}
		narrow, err := rule.Parse(b)
		if err != nil || !wide.Covers(narrow) {
			return
		}
		h := httptest.NewRequest("GET", "/", nil)
		h.Host, h.URL.Path = host, path
		req, err := rule.NewRequest(h)
		if err == nil && narrow.Match(req) && !wide.Match(req) {
			t.Errorf("%q is said to cover %q, but not for host %q path %q", a, b, host, path)
		}
	})
}
