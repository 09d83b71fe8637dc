package notfound_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/gateway/notfound"
)

func TestWantsPage(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"text/html": true, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8": true, "application/json, Text/HTML ; q=0.1": true,
		"": false, "*/*": false, "text/*": false, "application/json": false, "text/html;q=0": false, "text/html; q=0.0, */*": false,
		"text/htmlx": false,
	} {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		if got := notfound.WantsPage(r); got != want {
			t.Errorf("%q: got %v, want %v", accept, got, want)
		}
	}
	if !notfound.WantsPage(&http.Request{Header: http.Header{"Accept": {"application/json", "text/html"}}}) {
		t.Error("the second line: got false")
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"Header(`X-Token`, `s`)": "Header(`X-Token`, …)", "!HeaderRegexp(`X`,`^s`)": "!HeaderRegexp(`X`, …)",
		"query( \"a\\\"b\" , `s` )": "query( \"a\\\"b\", …)",
		"QUERYREGEXP(`a`, `s\ns`)":  "QUERYREGEXP(`a`, …)", "Query(`a`)": "Query(`a`)", "Host(`a.localhost`)": "Host(`a.localhost`)",
		"Path(`/a,b`)": "Path(`/a,b`)",
	} {
		if got, hidden := notfound.Hide(give); got != want || hidden != (give != want) {
			t.Errorf("%s: got %s, %v, want %s", give, got, hidden, want)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>`
	p := &notfound.Page{Method: evil, URL: "javascript:" + evil, EntryPoint: evil, Dashboard: "javascript:alert(1)",
		Near:  []notfound.Near{{Router: evil, Origin: evil, Change: evil, Verdicts: []notfound.Verdict{{Matcher: evil}}}},
		Hosts: []notfound.Host{{Name: evil, URL: "javascript:alert(1)"}}}
	for _, p.Details = range []bool{false, true} {
		w := httptest.NewRecorder()
		notfound.Write(w, p)
		body := w.Body.String()
		if w.Code != http.StatusNotFound || strings.Contains(body, "<script>") || strings.Contains(body, `href="javascript:`) {
			t.Errorf("details %v: got %d: %s", p.Details, w.Code, body)
		}
		if shown := strings.Contains(body, "Routers that come near"); shown != p.Details {
			t.Errorf("details %v: got routers shown %v", p.Details, shown)
		}
	}
	w := httptest.NewRecorder()
	notfound.Plain(w)
	if w.Code != http.StatusNotFound || w.Body.String() != "404 page not found\n" {
		t.Errorf("plain: got %d %q", w.Code, w.Body.String())
	}
}
