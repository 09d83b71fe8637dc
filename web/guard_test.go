package web

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"axion/web/guard"
)

// call sends one request to a dashboard and returns the answer with its body.
func (s *stack) call(t *testing.T, method, path, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(guard.TokenHeader, string(s.server.token))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	if host := header["Host"]; host != "" {
		req.Host = host
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(content)
}

// TestToken changes something without the token, and with that of a session.
func TestToken(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", newFakeGraph(t)))
	var got session
	if _, text := s.call(t, "GET", "/api/session", "", nil); json.Unmarshal([]byte(text), &got) != nil || got.Token == "" {
		t.Fatalf("session: got %s", text)
	}
	for token, want := range map[string]int{"": 403, "wrong": 403, string(got.Token): 201} {
		header := map[string]string{guard.TokenHeader: token, "Content-Type": "application/json"}
		if res, text := s.call(t, "POST", "/api/projects", `{"name":"Shop"}`, header); res.StatusCode != want {
			t.Errorf("token %q: got %d %s, want %d", token, res.StatusCode, text, want)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", newFakeGraph(t)))
	own := "http://" + s.address
	const create = `{"name":"Shop","template":"static-site","config":{}}`

	tests := []struct {
		name, method, path, host, origin, site string
		want                                   int
	}{
		{"OK", "GET", "/api/system", "", "", "", 200},
		{"OKLocalhost", "GET", "/api/system", "localhost:8900", "", "", 200},
		{"OKGatewayHost", "GET", "/api/system", "axion.localhost:8443", "", "", 200},
		{"OKIPv6", "GET", "/api/system", "[::1]:8900", "", "", 200},
		{"OKCreate", "POST", "/api/projects", "", own, "same-origin", 201},
		{"OKCreateProgram", "POST", "/api/projects", "", "", "", 201},
		{"OKCreateGateway", "POST", "/api/projects", "axion.localhost:8443", "https://axion.localhost:8443", "same-origin", 201},
		{"ErrRebinding", "GET", "/api/system", "evil.example", "", "", 403},
		{"ErrRebindingPage", "GET", "/", "evil.example:8900", "", "", 403},
		{"ErrHostLookalike", "GET", "/api/system", "notlocalhost", "", "", 403},
		{"ErrHostPrefix", "GET", "/api/system", "localhost.evil.example", "", "", 403},
		{"ErrHostAddress", "GET", "/api/system", "192.168.1.4:8900", "", "", 403},
		{"OKLink", "GET", "/routes", "", "", "cross-site", 200},
		{"ErrReadElsewhere", "GET", "/api/system", "", "", "cross-site", 403},
		{"ErrReadDeployedSite", "GET", "/api/system", "axion.localhost:8443", "https://shop.apps.localhost:8443", "same-site", 403},
		{"ErrReadMetrics", "GET", "/metrics", "", "https://evil.example", "cross-site", 403},
		{"ErrOriginUser", "POST", "/api/projects", "", "http://evil@" + s.address, "", 403},
		{"ErrHostComma", "GET", "/api/system", "evil.example,.localhost", "", "", 403},
		{"ErrOrigin", "POST", "/api/projects", "", "https://evil.example", "cross-site", 403},
		{"ErrOriginDeployedSite", "POST", "/api/projects", "axion.localhost:8443", "https://shop.apps.localhost:8443", "same-site", 403},
		{"ErrOriginPort", "POST", "/api/projects", "", "http://127.0.0.1:1", "same-site", 403},
		{"ErrOriginNull", "POST", "/api/projects", "", "null", "", 403},
		{"ErrSite", "DELETE", "/api/projects/x", "", "", "cross-site", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := map[string]string{"Content-Type": "application/json", "Host": tt.host, "Accept": "text/html"}
			for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site} {
				if value != "" {
					header[name] = value
				}
			}
			res, body := s.call(t, tt.method, tt.path, create, header)
			if res.StatusCode != tt.want {
				t.Errorf("got status %d, want %d: %s", res.StatusCode, tt.want, body)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
}
