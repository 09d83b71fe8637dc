package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// transport is the default one.
func transport(t *testing.T, p *proxy.Proxy) *proxy.Transport {
	t.Helper()
	tr, err := p.Transport(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// balance puts a balancer behind a server of its own.
func balance(t *testing.T, opts proxy.Options, lb *config.LoadBalancer) (*proxy.Balancer, *httptest.Server) {
	t.Helper()
	p := proxy.New(opts)
	b, err := p.Balancer("svc", lb, transport(t, p))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return b, s
}

func servers(urls ...string) *config.LoadBalancer {
	lb := &config.LoadBalancer{}
	for _, u := range urls {
		lb.Servers = append(lb.Servers, config.Server{URL: u})
	}
	return lb
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestBalancer(t *testing.T) {
	t.Parallel()
	t.Run("OK/InTurn", func(t *testing.T) {
		t.Parallel()
		var urls []string
		for i := range 3 {
			urls = append(urls, serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) }))
		}
		_, s := balance(t, proxy.Options{}, servers(urls...))
		var got strings.Builder
		for range 6 {
			_, body := fetch(t, s.URL)
			got.WriteString(body)
		}
		if got.String() != "012012" {
			t.Errorf("answers: got %s, want 012012", got.String())
		}
	})
	t.Run("ErrNoServer", func(t *testing.T) {
		t.Parallel()
		_, s := balance(t, proxy.Options{}, servers())
		if status, body := fetch(t, s.URL); status != 503 || !strings.Contains(body, "no available server") {
			t.Errorf("answer: got %d %q, want 503", status, body)
		}
	})
	t.Run("ErrClosesMidway", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, s := balance(t, proxy.Options{}, servers(url))
		if status, _ := fetch(t, s.URL); status != 502 {
			t.Errorf("status: got %d, want 502", status)
		}
	})
}

func TestBalancerErrors(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "127.0.0.1:80", "ftp://a", "http://", "http://a b", "http://a:x"} {
		t.Run("ErrURL/"+url, func(t *testing.T) {
			t.Parallel()
			_, err := proxy.New(proxy.Options{}).Balancer("svc", servers(url), transport(t, proxy.New(proxy.Options{})))
			if err == nil || !strings.Contains(err.Error(), "server url") {
				t.Errorf("error: got %v, want one about the server url", err)
			}
		})
	}
	for name, check := range map[string]config.HealthCheck{
		"path":   {Path: "http://elsewhere/"},
		"path2":  {Path: "//elsewhere/"},
		"scheme": {Scheme: "tcp"},
		"port":   {Port: 70000},
	} {
		t.Run("ErrHealthCheck/"+name, func(t *testing.T) {
			t.Parallel()
			lb := servers("http://127.0.0.1:1")
			lb.HealthCheck = &check
			if _, err := proxy.New(proxy.Options{}).Balancer("svc", lb, transport(t, proxy.New(proxy.Options{}))); err == nil {
				t.Error("got no error")
			}
		})
	}
}

const tick = config.Duration(5 * time.Millisecond)

func TestHealthCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		check config.HealthCheck
		up    bool
	}{
		{"OK/200", config.HealthCheck{Path: "/200"}, true},
		{"OK/path is root by default", config.HealthCheck{}, true},
		{"OK/query", config.HealthCheck{Path: "/query?a=b"}, true},
		{"OK/redirect followed", config.HealthCheck{Path: "/302"}, false},
		{"OK/redirect not followed", config.HealthCheck{Path: "/302", FollowRedirects: new(bool)}, true},
		{"OK/status", config.HealthCheck{Path: "/404", Status: 404}, true},
		{"OK/method, host, header", config.HealthCheck{Path: "/strict", Method: "HEAD", Hostname: "h", Headers: map[string]string{"X-A": "b"}},
			true},
		{"ErrOtherStatus", config.HealthCheck{Path: "/200", Status: 204}, false},
		{"Err404", config.HealthCheck{Path: "/404"}, false},
		{"ErrTimeout", config.HealthCheck{Path: "/hang", Timeout: tick}, false},
		{"ErrPort", config.HealthCheck{Path: "/200", Port: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			probes := make(chan struct{}, 100)
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				select {
				case probes <- struct{}{}:
				default:
				}
				probed(w, r)
			})
			told := make(logged, 10)
			lb := servers(url)
			tt.check.Interval = tick
			lb.HealthCheck = &tt.check
			b, _ := balance(t, proxy.Options{Log: slog.New(told)}, lb)
			if tt.up { // the second probe begins after the first one's outcome
				for range 2 {
					<-probes
				}
			} else {
				told.next(t, slog.LevelWarn, "server is down")
			}
			if got := b.Servers()[0].Up; got != tt.up {
				t.Errorf("up: got %t, want %t", got, tt.up)
			}
		})
	}
}

// probed answers a health check as its path says.
func probed(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/302":
		http.Redirect(w, r, "/404", http.StatusFound)
	case "/404":
		w.WriteHeader(http.StatusNotFound)
	case "/hang":
		<-r.Context().Done()
	case "/query":
		if r.URL.RawQuery != "a=b" {
			w.WriteHeader(http.StatusBadRequest)
		}
	case "/strict":
		if r.Method != "HEAD" || r.Host != "h" || r.Header.Get("X-A") != "b" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

func TestHealthCheckRecovers(t *testing.T) {
	t.Parallel()
	t.Run("OK/DownAndUp", func(t *testing.T) {
		t.Parallel()
		var sick atomic.Bool
		sick.Store(true)
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if sick.Load() {
				w.WriteHeader(500)
			}
		})
		told := make(logged, 10)
		lb := servers(url)
		lb.HealthCheck = &config.HealthCheck{Interval: config.Duration(time.Hour), UnhealthyInterval: tick}
		b, s := balance(t, proxy.Options{Log: slog.New(told)}, lb)
		told.next(t, slog.LevelWarn, "server is down")
		if status, _ := fetch(t, s.URL); status != 503 {
			t.Errorf("status while down: got %d, want 503", status)
		}
		sick.Store(false)
		told.next(t, slog.LevelInfo, "server is up")
		if status, _ := fetch(t, s.URL); status != 200 || !b.Servers()[0].Up {
			t.Errorf("status once up: got %d, want 200", status)
		}
	})
}

func TestUploadAndClientGone(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	gone := make(chan error, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/gone" {
			gone <- err
			return
		}
		fmt.Fprint(w, n, " ", r.Header.Get("X-Forwarded-For"))
	})
	_, s := balance(t, proxy.Options{}, servers(url))

	resp, err := http.Post(s.URL, "text/plain", strings.NewReader(strings.Repeat("x", size)))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != fmt.Sprint(size, " 127.0.0.1") {
		t.Errorf("answer: got %q", body)
	}

	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhalf")
	_ = c.Close()
	select {
	case err := <-gone:
		if err == nil {
			t.Error("upstream: got a whole body, want an error")
		}
	case <-time.After(patience):
		t.Error("upstream: not told that the client left")
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, tt := range []struct {
		name   string
		status int
		end    error
	}{{"ErrClientGone", 499, context.Canceled}, {"ErrTimeout", 504, context.DeadlineExceeded}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := proxy.New(proxy.Options{})
			b, err := p.Balancer("svc", servers(url), transport(t, p))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if errors.Is(tt.end, context.Canceled) {
				cancel()
			}
			w := httptest.NewRecorder()
			b.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://a/", nil))
			if w.Code != tt.status {
				t.Errorf("status: got %d, want %d", w.Code, tt.status)
			}
		})
	}
}
