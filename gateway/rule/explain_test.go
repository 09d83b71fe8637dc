package rule_test

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"axion/gateway/rule"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	r, err := rule.Parse("Host(`a.test`) && (PathPrefix(`/x`) || (Path(`/y`) && Method(`post`))) && !Header(`K`, `v`)")
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewRequest("GET", "http://a.test/y", nil)
	h.Header.Set("K", "v")
	req, err := rule.NewRequest(h)
	if err != nil {
		t.Fatal(err)
	}
	want := []rule.Verdict{
		{Matcher: "Host(`a.test`)", Matched: true},
		{Matcher: "PathPrefix(`/x`)", Change: "a path that starts with /x"},
		{Matcher: "Path(`/y`)", Matched: true},
		{Matcher: "Method(`post`)", Change: "-X POST"},
		{Matcher: "!Header(`K`, `v`)", Change: "what Header(`K`, `v`) does not match"},
	}
	if got := r.Explain(req); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := r.Unmet(req); !reflect.DeepEqual(got, []rule.Verdict{want[1], want[4]}) {
		t.Errorf("missing: got %+v, want the path and the header", got)
	}
	h.Header.Del("K")
	h.Method = "POST"
	if got := r.Unmet(req); got != nil {
		t.Errorf("missing: got %+v, want none of a request that matches", got)
	}
}
