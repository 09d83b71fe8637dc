package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

func buffer(c config.Buffering) config.Middleware { return config.Middleware{Buffering: &c} }

func TestBuffering(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		config  config.Buffering
		chunked bool
		status  int
		body    string
	}{
		{"OK/in memory", config.Buffering{}, false, 200, long},
		{"OK/chunked gets a length", config.Buffering{}, true, 200, long},
		{"OK/on disk", config.Buffering{MemRequestBodyBytes: 10, MemResponseBodyBytes: 10}, true, 200, long},
		{"OK/at the limit", config.Buffering{MaxRequestBodyBytes: int64(len(long)), MaxResponseBodyBytes: int64(len(long))}, true, 200, long},
		{"Err/request too large", config.Buffering{MaxRequestBodyBytes: int64(len(long)) - 1}, false, 413, "Request Entity Too Large"},
		{"Err/chunked request too large", config.Buffering{MaxRequestBodyBytes: 1000, MemRequestBodyBytes: 10}, true, 413,
			"Request Entity Too Large"},
		{"Err/answer too large", config.Buffering{MaxResponseBodyBytes: 1000, MemResponseBodyBytes: 10}, false, 500, "Internal Server Error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength != int64(len(long)) {
					t.Errorf("length: got %d, want %d", r.ContentLength, len(long))
				}
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("X-Service", "yes")
				w.WriteHeader(http.StatusEarlyHints)
				_, _ = w.Write(body)
			}))
			s := serve(t, buildIn(t, env, buffer(tt.config), forward(t, service.URL)))
			var body io.Reader = strings.NewReader(long)
			if tt.chunked {
				body = io.MultiReader(body)
			}
			got := ask(t, "POST", s.URL, body)
			if got.StatusCode != tt.status || got.body != tt.body {
				t.Errorf("answer: got %d %q, want %d %q", got.StatusCode, got.body, tt.status, tt.body)
			}
			if kept := got.Header.Get("X-Service") != ""; kept != (tt.status == 200) {
				t.Errorf("header: got %v", got.Header)
			}
		})
	}
}

func TestBufferingRetry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, expression string
		calls, status    int
	}{
		{"OK/until it answers", "IsNetworkError() && Attempts() < 5", 3, 200},
		{"OK/gives up", "IsNetworkError() && Attempts() < 2", 2, 502},
		{"OK/not for this", "ResponseCode() == 500", 1, 502},
		{"OK/never more than eleven", "ResponseCode() > 0", 11, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			up := forward(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				fmt.Fprint(w, string(body), len(r.Header["X-Seen"]))
			})).URL)
			down := forward(t, closed(t))
			h := buildIn(t, env, buffer(config.Buffering{RetryExpression: tt.expression, MemRequestBodyBytes: 2}),
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls++
					r.Header.Add("X-Seen", "1")
					w.Header().Add("X-Attempt", "1")
					if calls < 3 {
						_, _ = io.Copy(io.Discard, r.Body)
						down.ServeHTTP(w, r)
						return
					}
					up.ServeHTTP(w, r)
				}))
			got := ask(t, "POST", serve(t, h).URL, strings.NewReader("body"))
			if got.StatusCode != tt.status || calls != tt.calls || tt.status == 200 && got.body != "body1" || len(got.Header["X-Attempt"]) != 1 {
				t.Errorf("got %d %q %v after %d calls, want %d after %d", got.StatusCode, got.body, got.Header, calls, tt.status, tt.calls)
			}
		})
	}
}

func TestBufferingLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	spilling := buffer(config.Buffering{MemRequestBodyBytes: 1, MemResponseBodyBytes: 1})
	for name, h := range map[string]http.HandlerFunc{
		"OK/answered": func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
		"OK/panicked": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long); panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := build(t, spilling, h)
			func() {
				defer func() { _ = recover() }()
				wrapped.ServeHTTP(discard{}, mustRequest(t, long))
			}()
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("files: got %v, %v; want none", left, err)
			}
		})
	}
}

// discard is a response writer of nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }

func mustRequest(t testing.TB, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://a/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBufferingPasses(t *testing.T) {
	t.Parallel()
	through := func(t *testing.T, service http.HandlerFunc) string {
		return serve(t, buildIn(t, middleware.Env{}, buffer(config.Buffering{}), forward(t, serve(t, service).URL))).URL
	}
	t.Run("OK/WebSocket", func(t *testing.T) {
		t.Parallel()
		checkSocket(t, through(t, echoSocket))
	})
	t.Run("OK/EarlyHints", func(t *testing.T) {
		t.Parallel()
		checkHints(t, through(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			fmt.Fprint(w, long)
		}))
	})
	t.Run("OK/Trailers", func(t *testing.T) {
		t.Parallel()
		got := get(t, through(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Announced")
			fmt.Fprint(w, long)
			w.Header().Set("X-Announced", "a")
			w.Header().Set(http.TrailerPrefix+"X-Late", "b")
		}))
		if got.Trailer.Get("X-Announced") != "a" || got.Trailer.Get("X-Late") != "b" || got.Header.Get("X-Announced") != "" {
			t.Errorf("trailers: got %v, header %v", got.Trailer, got.Header)
		}
	})
	t.Run("OK/HEADAndNoContent", func(t *testing.T) {
		t.Parallel()
		url := through(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Length", "7")
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		if got := ask(t, "HEAD", url, nil); got.StatusCode != 200 || got.ContentLength != 7 {
			t.Errorf("HEAD: got %d, length %d", got.StatusCode, got.ContentLength)
		}
		if got := get(t, url); got.StatusCode != 204 {
			t.Errorf("GET: got %d, want 204", got.StatusCode)
		}
	})
}
