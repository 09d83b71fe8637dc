package urlpath_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"axion/gateway/urlpath"
)

func TestDotted(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"/": false, "": false, "/a/b": false, "/a.b/c..d/.e/..f/g.": false, "/...": false, "/a%2Fb": false, "/%": false, "/.%zz": false,
		"/.well-known/x": false, "/a;b=../c": false, "/a;b=..": false,
		"/..": true, "/.": true, "/../a": true, "/a/./b": true, "/a/..": true, "..": true, "/%2e%2E/a": true, "/.%2e/a": true,
		"/..%2fa": true, "/a%2f..": true, "/..%5Ca": true, `/..\a`: true, "/..;/a": true, "/..;x=1/a": true, "/.;/a": true,
		"/..%00/a": true, "/..%20/a": true, "/a/..%09": true, "/..%3Fx/a": true, "/..%23/a": true, "/.%2e%253B/a": true, "/..%0d%0a": true,
		"/.. a/b": false, "/..%20a": false, "/.%00./a": true, "/a%00..": false,
		"/%252e%252e/a": true, "/..%252fa": true, "/%25252e./a": true,
	} {
		if got := urlpath.Dotted(p); got != want {
			t.Errorf("%q: got %t, want %t", p, got, want)
		}
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"/": true, "/a": true, "/a/": true, "/.a/": true, "/a..": true, "/a%2F%2Fb": true,
		"": false, "a": false, "//a": false, "/a//b": false, "/a//": false, "/..": false, "/./a": false, "/a/..": false, "/a/.": false,
	} {
		if got := urlpath.Tidy(p); got != want {
			t.Errorf("%q: got %t, want %t", p, got, want)
		}
	}
}

// What is not dotted stays below the place that it is joined to, whoever decodes
// it before it is resolved.
func FuzzDotted(f *testing.F) {
	for _, seed := range []string{"/", "/../a", "/%2e%2e/a", "/..%2Fa", `/..\a`, "/a/%252e./b", "/%%32e%2e/", "/.;/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if urlpath.Dotted(p) {
			return
		}
		for decoded, n := p, 0; n < 3; n++ {
			resolved := path.Clean("/base/" + strings.TrimLeft(strings.ReplaceAll(decoded, `\`, "/"), "/"))
			if resolved != "/base" && !strings.HasPrefix(resolved, "/base/") {
				t.Fatalf("%q as %q leads to %q", p, decoded, resolved)
			}
			next, err := url.PathUnescape(decoded)
			if err != nil {
				return
			}
			decoded = next
		}
	})
}
