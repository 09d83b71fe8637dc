package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway"
)

// page asks for a page as a browser does.
func page(t *testing.T, c *http.Client, url, host string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	if host != "" {
		r.Host = host
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestNotFoundPage(t *testing.T) {
	t.Parallel()
	up := upstream(t, "app")
	s := start(t, compose(slices.Concat(
		route("shop", "Host(`shop.localhost`) && PathPrefix(`/api`)", up, "tls=true"),
		route("hook", "Host(`hook.localhost`) && Header(`X-Token`, `hunter2`)", up, "tls=true"),
		route("query", "Host(`query.localhost`) && Query(`token`, `hunter3`) && !Header(`X-No`, `hunter4`)", up, "tls=true"),
		route("plain", "Host(`plain.localhost`)", up),
	)...), func(g *gateway.Gateway) { g.SetWait(time.Millisecond) })
	for _, protocol := range []string{"http/1.1", "h2"} {
		c := s.client(protocol)
		for range 2 {
			resp, body := page(t, c, "https://shp.localhost/api/x?token=hunter5", "")
			want(t, "status", resp.StatusCode, 404)
			want(t, "type", resp.Header.Get("Content-Type"), "text/html; charset=utf-8")
			for _, text := range []string{"https://shp.localhost/api/x</code>", "websecure", "shop@docker", "the host shop.localhost",
				"compose.yaml:", "https://shop.localhost/"} {
				if !strings.Contains(body, text) {
					t.Errorf("the page lacks %q:\n%s", text, body)
				}
			}
			if strings.Contains(body, "hunter") || strings.Contains(body, "src=") || strings.Contains(body, "<script") || strings.Contains(body,
				"stylesheet") {
				t.Errorf("the page has a secret, or needs something from elsewhere:\n%s", body)
			}
		}
	}
	c := s.client()
	t.Run("OK/Secrets", func(t *testing.T) {
		for host, shown := range map[string]string{"hook.localhost": "Header(`X-Token`, …)", "query.localhost": "Query(`token`, …)"} {
			_, body := page(t, c, "https://"+host+"/", "")
			if strings.Contains(body, "hunter") || !strings.Contains(body, shown) {
				t.Errorf("%s: got %s", host, body)
			}
		}
	})
	t.Run("OK/Escaped", func(t *testing.T) {
		resp, body := page(t, c, "https://shop.localhost/%3Cscript%3E'\"%22;$(id)", "")
		want(t, "status", resp.StatusCode, 404)
		if strings.Contains(body, "<script") || strings.Contains(body, "x'") {
			t.Errorf("got %s", body)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("policy: got %q", policy)
		}
	})
	t.Run("OK/Head", func(t *testing.T) {
		r, _ := http.NewRequestWithContext(t.Context(), "HEAD", "https://nobody.localhost/", nil)
		r.Header.Set("Accept", "text/html")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want(t, "status", resp.StatusCode, 404)
	})
	t.Run("OK/Scripts", func(t *testing.T) {
		for _, accept := range []string{"", "*/*", "application/json", "text/plain", "text/html;q=0, */*"} {
			r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://nobody.localhost/", nil)
			if accept != "" {
				r.Header.Set("Accept", accept)
			}
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want(t, accept, string(body), "404 page not found\n")
			want(t, "type", resp.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		}
	})
	t.Run("OK/Foreign", func(t *testing.T) { // such as a page whose name was made to resolve to this machine
		for _, host := range []string{"evil.example", "localhost.evil.example", "192.0.2.1"} {
			resp, body := page(t, c, "http://plain.localhost/x", host)
			want(t, "status", resp.StatusCode, 404)
			if strings.Contains(body, "@docker") || strings.Contains(body, "shop.localhost") || strings.Contains(body, "plain.localhost") ||
				!strings.Contains(body, "axion explain") {
				t.Errorf("%s: got %s", host, body)
			}
		}
	})
	t.Run("OK/Six", func(t *testing.T) {
		six := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(s.http)
			return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("::1", port))
		}}
		defer six.CloseIdleConnections()
		if _, body := page(t, &http.Client{Transport: six}, "http://plan.localhost/", ""); !strings.Contains(body, "plain@docker") {
			t.Errorf("over ::1: got %s", body)
		}
	})
}
