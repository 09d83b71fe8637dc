package proxy_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"axion/gateway/proxy"
)

// logged is a log handler that passes on what is above debug level.
type logged chan slog.Record

func (logged) Enabled(_ context.Context, level slog.Level) bool { return level > slog.LevelDebug }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	l <- r
	return nil
}

func (l logged) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l logged) WithGroup(string) slog.Handler      { return l }

// next waits for a record and returns its attributes.
func (l logged) next(t *testing.T, level slog.Level, message string) map[string]string {
	t.Helper()
	select {
	case r := <-l:
		if r.Level != level || r.Message != message {
			t.Errorf("log: got %s %q, want %s %q", r.Level, r.Message, level, message)
		}
		attrs := make(map[string]string)
		r.Attrs(func(a slog.Attr) bool {
			attrs[a.Key] = a.Value.String()
			return true
		})
		return attrs
	case <-time.After(patience):
		t.Fatalf("log: no %q within %s", message, patience)
		return nil
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	told := make(logged, 10)
	_, s := balance(t, proxy.Options{Log: slog.New(told)}, servers("http://"+address))
	ask := func(want int) {
		t.Helper()
		for range 3 {
			if status, _ := fetch(t, s.URL); status != want {
				t.Fatalf("status: got %d, want %d", status, want)
			}
		}
	}
	for range 2 {
		ask(502)
		got := told.next(t, slog.LevelWarn, "server cannot be reached")
		if got["service"] != "svc" || got["url"] != "http://"+address || !strings.Contains(got["error"], "dial") {
			t.Errorf("log: got %v, want service, url and error", got)
		}
		if l, err = net.Listen("tcp", address); err != nil {
			t.Skipf("the port was taken meanwhile: %v", err)
		}
		up := httptest.NewUnstartedServer(http.NotFoundHandler())
		_ = up.Listener.Close()
		up.Listener = l
		up.Start()
		ask(404)
		if got := told.next(t, slog.LevelInfo, "server answers again"); got["service"] != "svc" {
			t.Errorf("log: got %v, want service svc", got)
		}
		up.CloseClientConnections()
		up.Close()
	}
	if len(told) > 0 {
		t.Errorf("log: got %q too, want one line per change", (<-told).Message)
	}
}

func TestReachableFails(t *testing.T) {
	t.Parallel()
	t.Run("OK/ClosesMidwayIsNotUnreachable", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		told := make(logged, 10)
		_, s := balance(t, proxy.Options{Log: slog.New(told)}, servers(url))
		if status, _ := fetch(t, s.URL); status != 502 || len(told) > 0 {
			t.Errorf("got status %d and %d log lines, want 502 and none", status, len(told))
		}
	})
}
