package middleware_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"axion/gateway/config"
)

func retryBy(c config.Retry) config.Middleware { return config.Middleware{Retry: &c} }

// answering is a server whose nth answer has the nth of statuses, then the last, and
// says what it was asked with.
func answering(t testing.TB, calls *atomic.Int32, statuses ...int) string {
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Attempt", fmt.Sprint(n))
		w.WriteHeader(statuses[min(n, len(statuses))-1])
		fmt.Fprintf(w, "%d %s %d", n, r.Header.Get("X-Kept"), len(body))
	})).URL
}

func TestRetryByStatus(t *testing.T) {
	t.Parallel()
	size := func(n int64) *int64 { return &n }
	large := strings.Repeat("x", 2<<20+1)
	for _, tt := range []struct {
		name         string
		config       config.Retry
		method, body string
		chunked      bool
		statuses     []int
		status       int
		text         string // attempt, kept header, bytes of the body
	}{
		{"OK/Third", config.Retry{Status: []string{"500-599"}}, "GET", "", false, []int{503, 503, 200}, 200, "3 yes 0"},
		{"OK/List", config.Retry{Status: []string{"404", "500-502"}}, "GET", "", false, []int{502, 404, 200}, 200, "3 yes 0"},
		{"OK/Not listed", config.Retry{Status: []string{"404", "500-502"}}, "GET", "", false, []int{503, 200}, 503, "1 yes 0"},
		{"OK/The last is the answer", config.Retry{Status: []string{"500-599"}}, "GET", "", false, []int{503, 500, 502, 200}, 502, "3 yes 0"},
		{"OK/No statuses", config.Retry{}, "GET", "", false, []int{503, 200}, 503, "1 yes 0"},
		{"OK/PUT", config.Retry{Status: []string{"503"}}, "PUT", "body", false, []int{503, 200}, 200, "2 yes 4"},
		{"OK/PUT, chunked", config.Retry{Status: []string{"503"}}, "PUT", "body", true, []int{503, 200}, 200, "2 yes 4"},
		{"OK/DELETE", config.Retry{Status: []string{"503"}}, "DELETE", "", false, []int{503, 200}, 200, "2 yes 0"},
		{"OK/POST", config.Retry{Status: []string{"503"}}, "POST", "body", false, []int{503, 200}, 503, "1 yes 4"},
		{"OK/PATCH", config.Retry{Status: []string{"503"}}, "PATCH", "body", false, []int{503, 200}, 503, "1 yes 4"},
		{"OK/LOCK", config.Retry{Status: []string{"503"}}, "LOCK", "body", false, []int{503, 200}, 503, "1 yes 4"},
		{"OK/POST, allowed", config.Retry{Status: []string{"503"}, RetryNonIdempotentMethod: true}, "POST", "body", false, []int{503, 503, 200},
			200, "3 yes 4"},
		{"OK/Body at the default", config.Retry{Status: []string{"503"}}, "PUT", large[1:], true, []int{503, 200}, 200, "2 yes 2097152"},
		{"OK/Body above the default", config.Retry{Status: []string{"503"}}, "PUT", large, false, []int{503, 200}, 503, "1 yes 2097153"},
		{"OK/Chunked body above the default", config.Retry{Status: []string{"503"}}, "PUT", large, true, []int{503, 200}, 503, "1 yes 2097153"},
		{"OK/Body above", config.Retry{Status: []string{"503"}, MaxRequestBodyBytes: size(3)}, "PUT", "body", true, []int{503, 200}, 503,
			"1 yes 4"},
		{"OK/Body at the limit", config.Retry{Status: []string{"503"}, MaxRequestBodyBytes: size(4)}, "PUT", "body", true, []int{503, 200}, 200,
			"2 yes 4"},
		{"OK/No body may be kept", config.Retry{Status: []string{"503"}, MaxRequestBodyBytes: size(0)}, "PUT", "b", true, []int{503, 200}, 503,
			"1 yes 1"},
		{"OK/No body to keep", config.Retry{Status: []string{"503"}, MaxRequestBodyBytes: size(0)}, "GET", "", false, []int{503, 200}, 200,
			"2 yes 0"},
		{"OK/Body without limit", config.Retry{Status: []string{"503"}, MaxRequestBodyBytes: size(-1)}, "PUT", large, true, []int{503, 200}, 200,
			"2 yes 2097153"},
		{"OK/Without network errors", config.Retry{Status: []string{"503"}, DisableRetryOnNetworkError: true}, "GET", "", false, []int{503, 200},
			200, "2 yes 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.config.Attempts = 3
			var calls atomic.Int32
			h := buildIn(t, env, retryBy(tt.config), forward(t, answering(t, &calls, tt.statuses...)))
			retries := 0
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := &counting{ResponseWriter: w}
				w.Header().Set("X-Outer", "kept")
				h.ServeHTTP(c, r)
				retries = c.retries
			}))
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			if tt.chunked {
				body = io.MultiReader(body)
			}
			got := ask(t, tt.method, s.URL, body, "X-Kept", "yes")
			if got.StatusCode != tt.status || got.body != tt.text || int(calls.Load()) != retries+1 {
				t.Errorf("got %d %q after %d calls and %d retries, want %d %q", got.StatusCode, got.body, calls.Load(), retries, tt.status, tt.text)
			}
			if n := got.Header["X-Attempt"]; len(n) != 1 || n[0] != tt.text[:1] || got.Header.Get("X-Outer") != "kept" {
				t.Errorf("header: got %v, want that of one attempt", got.Header)
			}
		})
	}
}

// An unreachable server answers 502, which is a status like any other; the options
// say whether it is asked again for that or for the failure itself.
func TestRetryNetworkOrStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config config.Retry
		method string
		calls  int32
	}{
		"OK/Failure":             {config.Retry{}, "POST", 3},
		"OK/Failure, not status": {config.Retry{Status: []string{"404"}}, "GET", 3},
		"OK/Neither":             {config.Retry{Status: []string{"404"}, DisableRetryOnNetworkError: true}, "GET", 1},
		"OK/Status":              {config.Retry{Status: []string{"502"}, DisableRetryOnNetworkError: true}, "GET", 3},
		"OK/Status, not method":  {config.Retry{Status: []string{"502"}, DisableRetryOnNetworkError: true}, "POST", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.config.Attempts = 3
			down := forward(t, closed(t))
			var calls atomic.Int32
			s := serve(t, buildIn(t, env, retryBy(tt.config), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				down.ServeHTTP(w, r)
			})))
			if got := ask(t, tt.method, s.URL, nil); got.StatusCode != 502 || calls.Load() != tt.calls {
				t.Errorf("got %d after %d calls, want 502 after %d", got.StatusCode, calls.Load(), tt.calls)
			}
		})
	}
}

// A dropped answer that does not end keeps nobody waiting.
func TestRetryEndlessAnswer(t *testing.T) {
	t.Parallel()
	for name, endless := range map[string]func(w http.ResponseWriter, r *http.Request){
		"OK/Silent": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"OK/Flood": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat("x", 4096))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			service := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
					endless(w, r)
					return
				}
				fmt.Fprint(w, "well")
			}))
			s := serve(t, buildIn(t, env, retryBy(config.Retry{Attempts: 3, Status: []string{"503"}}), forward(t, service.URL)))
			if got := get(t, s.URL); got.StatusCode != 200 || got.body != "well" || calls.Load() != 3 {
				t.Errorf("got %d %q after %d calls, want 200 after 3", got.StatusCode, got.body, calls.Load())
			}
		})
	}
}

func TestRetryUpgrade(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	upgrader := websocket.Upgrader{}
	service := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		kind, message, err := c.ReadMessage()
		if err == nil {
			_ = c.WriteMessage(kind, message)
		}
	}))
	s := serve(t, buildIn(t, env, retryBy(config.Retry{Attempts: 3, Status: []string{"500-599"}}), forward(t, service.URL)))
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatalf("dial: %v after %d calls", err, calls.Load())
	}
	defer c.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRetryStatusLate(t *testing.T) {
	t.Parallel()
	failing := func(calls *int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			*calls++
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, *calls)
		}
	}
	t.Run("OK/Timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			h := build(t, retryBy(config.Retry{Attempts: 9, Status: []string{"503"}, Timeout: config.Duration(2500 * time.Millisecond)}),
				failing(&calls))
			if w := send(h, "GET", "/"); w.Code != 503 || calls != 3 || w.Body.String() != "3" {
				t.Errorf("got %d %q after %d calls, want the third answer", w.Code, w.Body, calls)
			}
		})
	})
	t.Run("ErrClientLeft", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			h := build(t, retryBy(config.Retry{Attempts: 9, Status: []string{"503"}, InitialInterval: config.Duration(time.Hour)}), failing(&calls))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(2*time.Second, cancel)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if w.Code != 499 || calls != 1 {
				t.Errorf("got %d after %d calls, want 499 after 1", w.Code, calls)
			}
		})
	})
}

func TestRetryStatusWriter(t *testing.T) {
	t.Parallel()
	by503 := retryBy(config.Retry{Attempts: 2, Status: []string{"503"}, RetryNonIdempotentMethod: true})
	t.Run("OK/Informational", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := build(t, by503, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			if calls++; calls == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_ = http.NewResponseController(w).Flush()
			fmt.Fprint(w, "text")
		})
		if w := send(h, "GET", "/"); w.Body.String() != "text" || calls != 2 {
			t.Errorf("got %q after %d calls, want the second's text", w.Body, calls)
		}
	})
	t.Run("OK/gRPC is sent as it comes", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := build(t, by503, func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("x"), neverRead{t}))
		r.Header.Set("Content-Type", "application/grpc+proto")
		if w := do(h, r); w.Code != 503 || calls != 1 {
			t.Errorf("got %d after %d calls, want 503 after 1", w.Code, calls)
		}
	})
	t.Run("ErrBody", func(t *testing.T) {
		t.Parallel()
		h := build(t, by503, func(http.ResponseWriter, *http.Request) { t.Error("the service was asked") })
		r := httptest.NewRequest("PUT", "/", io.MultiReader(strings.NewReader("x"), broken{}))
		if w := do(h, r); w.Code != 400 {
			t.Errorf("got %d, want 400", w.Code)
		}
	})
	t.Run("ErrPanic", func(t *testing.T) {
		t.Parallel()
		h := build(t, by503, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			panic("of the service")
		})
		defer func() {
			if fault := recover(); fault != "of the service" {
				t.Errorf("panic: got %v", fault)
			}
		}()
		send(h, "GET", "/")
	})
}

// neverRead is a body that nobody may read.
type neverRead struct{ *testing.T }

func (n neverRead) Read([]byte) (int, error) {
	n.Error("the body was read")
	return 0, io.EOF
}

// broken is a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
