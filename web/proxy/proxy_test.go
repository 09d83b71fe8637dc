package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/web/client"
)

// serve runs a proxy to a service, whose answers get a header of the dashboard's.
func serve(t *testing.T, service http.HandlerFunc) *httptest.Server {
	t.Helper()
	graph := httptest.NewServer(service)
	t.Cleanup(graph.Close)
	c, err := client.New(client.Options{Graph: "http://graph.localhost:1", Gateway: graph.Listener.Addr().String(),
		Token: func(context.Context) (string, error) { return "token", nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	mux := http.NewServeMux()
	New(c, slog.New(slog.DiscardHandler)).Register(mux, humago.New(mux, huma.DefaultConfig("dashboard", "1")))
	dashboard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(dashboard.Close)
	return dashboard
}

// TestHeaders has a service answer early hints and headers that are not for the page.
func TestHeaders(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		w.Header().Set("Link", "</x.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("ETag", `"1"`)
		_, _ = w.Write([]byte(`{"items":[]}`))
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/projects?limit=5&other=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Cookie": "c=d", "Authorization": "Basic eA==", "X-Axion-Token": "secret", "If-Match": `"0"`,
		"Connection": "Upgrade", "Upgrade": "websocket"} {
		req.Header.Set(name, value)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if h := res.Header; res.StatusCode != 200 || h.Get("ETag") != `"1"` || h.Get("X-Frame-Options") != "DENY" ||
		h.Get("Set-Cookie") != "" || h.Get("Link") != "" {
		t.Errorf("got %d with %v", res.StatusCode, h)
	}
	got := <-seen
	if h := got.Header; h.Get("Authorization") != "Bearer token" || h.Get("If-Match") != `"0"` || h.Get("Cookie") != "" ||
		h.Get("X-Axion-Token") != "" || h.Get("Upgrade") != "" || h.Get("X-Forwarded-For") != "" || got.URL.RawQuery != "limit=5" {
		t.Errorf("the service got %s with %v", got.URL, h)
	}
}

// TestAnswers has what answers in a service's place say too much, or something else.
func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		status int
		want   string
	}{
		{"ErrTooLarge", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(make([]byte, maxAnswer+1))
		}, 502, "more than 4194304 bytes"},
		{"ErrRedirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		}, 502, "the graph service's address redirects elsewhere"},
		{"ErrNotService", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, 502,
			"is not the graph service"},
		{"ErrBreaksOff", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, 502, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			serve(t, tt.answer).Config.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/projects", nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}
