package rule_test

import (
	"slices"
	"testing"

	"axion/gateway/rule"
)

func TestDomains(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Host(`b`) || Host(`A`) && Path(`/x`) || Host(`b`)": {"a", "b"},
		"Host(`*.A.b`) && !Host(`x.a.b`)":                   {"*.a.b"},
		"Host(`*`)":                                         {"*"},
		"HostRegexp(`^a$`)":                                 nil,
		"PathPrefix(`/Host`)":                               nil,
		"!(Host(`a`) || Host(`b`))":                         nil,
	} {
		r, err := rule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Domains(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
