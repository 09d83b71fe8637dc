package tryit

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
)

func TestEncodeBody(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "text", "é": "text", "a\xc3": "text", "\xff\xfe\xfd\xfc": "base64", "a\x00b": "base64"} {
		if _, got := encodeBody([]byte(in), true); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if text, _ := encodeBody([]byte("é"[:1]), false); text != base64.StdEncoding.EncodeToString([]byte("é"[:1])) {
		t.Errorf("got %q", text)
	}
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"shop.localhost", "https://a:1/", "http://u:p@h/", "unix:///x", "//x", "https://[::1]:8443/a?b#c",
		"https://[fe80::1%25en0]/"} {
		f.Add(seed)
	}
	transport := &GatewayTransport{Resolve: func(scheme, port string) (string, bool) { return "127.0.0.1:1", port == "" || port == "8443" }}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := transport.target(text)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Hostname() == "" || u.Fragment != "" {
			t.Errorf("%q: got %s", text, u)
		}
		if p := defaultPort(u.Scheme, u.Port()); p != "" && p != "8443" {
			t.Errorf("%q: got port %s", text, p)
		}
		if _, err := http.NewRequestWithContext(t.Context(), "GET", u.String(), nil); err != nil {
			t.Errorf("%q: %v", text, fmt.Errorf("cannot be sent: %w", err))
		}
	})
}
