package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/respwriter"
)

func retrying(n int) config.Middleware { return config.Middleware{Retry: &config.Retry{Attempts: n}} }

var (
	errDial  = fmt.Errorf("forward: %w", &net.OpError{Op: "dial", Err: errors.New("refused")})
	errReset = fmt.Errorf("forward: %w", &net.OpError{Op: "read", Err: errors.New("reset")})
)

// failing answers its nth call; before it reports err.
func failing(n int, err error, calls *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*calls++
		w.Header().Add("X-Attempt", "1")
		r.Header.Add("X-Seen", "1")
		r.Host += "."
		if *calls < n {
			if u, ok := respwriter.Find[respwriter.FailureHandler](w); ok && u.Unreachable(err) {
				return
			}
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, string(body), len(r.Header["X-Seen"]), r.Header.Get("X-Kept"), " ", r.Host)
	}
}

// counting counts retries, as metrics do.
type counting struct {
	http.ResponseWriter
	retries int
}

func (c *counting) Retried()                    { c.retries++ }
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		method, body string
		answers      int // the call that is answered
		err          error
		status       int
		calls        int
		text         string
	}{
		{"OK/First", "GET", "", 1, errDial, 200, 1, "1yes example.com."},
		{"OK/Third", "GET", "", 3, errDial, 200, 3, "1yes example.com."},
		{"OK/POST that nobody saw", "POST", "hello", 2, errDial, 200, 2, "hello1yes example.com."},
		{"OK/GET that was sent", "GET", "", 2, errReset, 200, 2, "1yes example.com."},
		{"Err/Never", "GET", "", 9, errDial, 502, 3, ""},
		{"Err/POST that was sent", "POST", "", 2, errReset, 502, 1, ""},
		{"Err/Body that was sent", "GET", "hello", 2, errReset, 502, 1, ""},
		{"Err/Client left", "GET", "", 2, context.Canceled, 502, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			h := build(t, retrying(3), failing(tt.answers, tt.err, &calls))
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			r := httptest.NewRequest(tt.method, "/", body)
			r.Header.Set("X-Kept", "yes")
			w := httptest.NewRecorder()
			count := &counting{ResponseWriter: w}
			w.Header().Set("X-Outer", "kept")
			h.ServeHTTP(count, r)
			if w.Code != tt.status || calls != tt.calls || w.Body.String() != tt.text || count.retries != calls-1 {
				t.Errorf("got %d %q after %d calls, %d retries; want %d %q after %d", w.Code, w.Body, calls, count.retries, tt.status, tt.text,
					tt.calls)
			}
			if got := w.Header(); len(got["X-Attempt"]) != 1 || got.Get("X-Outer") != "kept" {
				t.Errorf("header: got %v, want that of one attempt", got)
			}
		})
	}
}

func TestRetryNoMore(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter, *http.Request){
		"once written":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") },
		"after 103":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
		"once flushed":     func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"once hijacked":    func(w http.ResponseWriter, _ *http.Request) { _, _, _ = http.NewResponseController(w).Hijack() },
		"the body is read": func(_ http.ResponseWriter, r *http.Request) { _, _ = r.Body.Read(make([]byte, 1)) },
	} {
		t.Run("Err/"+name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			h := build(t, retrying(3), func(w http.ResponseWriter, r *http.Request) {
				calls++
				begin(w, r)
				if u, _ := respwriter.Find[respwriter.FailureHandler](w); u.Unreachable(errDial) {
					t.Error("retry: got one, want none")
				}
			})
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", strings.NewReader("body")))
			if calls != 1 {
				t.Errorf("calls: got %d, want 1", calls)
			}
		})
	}
}

func TestRetryPauses(t *testing.T) {
	t.Parallel()
	t.Run("OK/GrowToTheDouble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			h := build(t, config.Middleware{Retry: &config.Retry{Attempts: 4, InitialInterval: config.Duration(time.Second)}},
				func(w http.ResponseWriter, _ *http.Request) {
					at = append(at, time.Now())
					if u, _ := respwriter.Find[respwriter.FailureHandler](w); !u.Unreachable(errDial) {
						w.WriteHeader(http.StatusBadGateway)
					}
				})
			send(h, "GET", "/")
			if len(at) != 4 {
				t.Fatalf("attempts: got %d, want 4", len(at))
			}
			for i := 1; i < len(at); i++ { // each is random, by half of itself
				if pause := at[i].Sub(at[i-1]); pause < time.Second/2 || pause > 3*time.Second {
					t.Errorf("pause %d: got %s, want 0.5s to 3s", i, pause)
				}
			}
		})
	})
	t.Run("ErrWriteTimeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			h := build(t, config.Middleware{Retry: &config.Retry{Attempts: 4, InitialInterval: config.Duration(time.Hour)}},
				func(w http.ResponseWriter, _ *http.Request) {
					u, _ := respwriter.Find[respwriter.FailureHandler](w)
					u.Unreachable(errDial)
				})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if w.Code != http.StatusGatewayTimeout {
				t.Errorf("status: got %d, want 504: the client is still there", w.Code)
			}
		})
	})
	t.Run("ErrClientLeft", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Second, cancel)
			h := build(t, config.Middleware{Retry: &config.Retry{Attempts: 4, InitialInterval: config.Duration(time.Hour)}},
				func(w http.ResponseWriter, _ *http.Request) {
					u, _ := respwriter.Find[respwriter.FailureHandler](w)
					u.Unreachable(errDial)
				})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if w.Code != 499 {
				t.Errorf("status: got %d, want 499", w.Code)
			}
		})
	})
}

// A real server that is not there, behind the middlewares that see its absence.
func TestRetryThroughWrappers(t *testing.T) {
	t.Parallel()
	page := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }))
	env := middleware.Env{Service: func(string) (http.Handler, error) { return forward(t, page.URL), nil }}
	for name, m := range map[string]config.Middleware{
		"compress":       {Compress: &config.Compress{}},
		"errors":         {Errors: &config.Errors{Status: []string{"500-599"}, Service: "s"}},
		"circuitbreaker": {CircuitBreaker: &config.CircuitBreaker{Expression: "ResponseCodeRatio(600, 601, 0, 600) > 0.5"}},
		"buffering":      {Buffering: &config.Buffering{}},
		"grpcweb":        {GrpcWeb: &config.GrpcWeb{}},
	} {
		t.Run("OK/"+name, func(t *testing.T) {
			t.Parallel()
			up := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "up") }))
			down, there := forward(t, closed(t)), forward(t, up.URL)
			calls := 0
			inner := buildIn(t, env, m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls++; calls < 3 {
					down.ServeHTTP(w, r)
					return
				}
				there.ServeHTTP(w, r)
			}))
			s := serve(t, buildIn(t, env, retrying(3), inner))
			body := strings.NewReader("x")
			if name == "buffering" { // it reads the body, which then cannot be sent again
				body = strings.NewReader("")
			}
			got := ask(t, "POST", s.URL, body, "Accept-Encoding", "gzip", "Content-Type", "application/grpc-web")
			if got.StatusCode != 200 || got.body != "up" || calls != 3 {
				t.Errorf("got %d %q after %d calls, want 200 %q after 3", got.StatusCode, got.body, calls, "up")
			}
		})
	}
}
