package gateway_test

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/gateway"
)

// handshake tries one for host and tells its error.
func (s *stack) handshake(host string) error {
	c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: host, RootCAs: s.RootPool()})
	if err == nil {
		_ = c.Close()
	}
	return err
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("handshake: got %v, want the alert unrecognized name", err)
	}
}

func TestHandshakeWaits(t *testing.T) {
	t.Parallel()
	const host = "site.apps.localhost"
	other := compose(route("r", "Host(`r.localhost`)", "http://127.0.0.1:1", "tls=true")...)
	patient := func(g *gateway.Gateway) { g.SetWait(patience) }
	t.Run("OK/RouteComesAfter", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		c, status := s.client(), make(chan int, 1)
		go func() {
			resp, err := c.Get("https://" + host + "/")
			if err != nil {
				t.Errorf("GET: %v", err)
				status <- 0
				return
			}
			_ = resp.Body.Close()
			status <- resp.StatusCode
		}()
		eventually(t, "a waiting handshake", func() bool { return s.Waiting() == 1 })
		s.fragment("site", route("site", "Host(`"+host+"`)", upstream(t, "a"), "tls=true")...)
		want(t, "status", <-status, 200)
	})
	t.Run("ErrNoRoute", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, func(g *gateway.Gateway) { g.SetWait(time.Millisecond) })
		wantRefused(t, s.handshake(host))
	})
	t.Run("ErrForeignNameDoesNotWait", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		begun := time.Now()
		wantRefused(t, s.handshake("shop.example"))
		if took := time.Since(begun); took >= patience {
			t.Errorf("handshake: refused after %s, want at once", took)
		}
	})
	t.Run("ErrTooMany", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		results := make(chan error, gateway.MaxWaiting)
		for range gateway.MaxWaiting {
			go func() { results <- s.handshake(host) }()
		}
		eventually(t, "waiting handshakes", func() bool { return s.Waiting() == gateway.MaxWaiting })
		wantRefused(t, s.handshake(host))
		want(t, "waiting", s.Waiting(), gateway.MaxWaiting)
		s.fragment("site", route("site", "Host(`"+host+"`)", "http://127.0.0.1:1", "tls=true")...)
		for range gateway.MaxWaiting {
			if err := <-results; err != nil {
				t.Errorf("waiting handshake: %v", err)
			}
		}
	})
	t.Run("ErrClosed", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		result := make(chan error, 1)
		go func() { result <- s.handshake(host) }()
		eventually(t, "a waiting handshake", func() bool { return s.Waiting() == 1 })
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-result; err == nil {
			t.Error("handshake: got no error")
		}
	})
}

// fragment writes a compose fragment of one service.
func (s *stack) fragment(name string, labels ...string) {
	s.t.Helper()
	write(s.t, filepath.Join(s.fragments, name+".yaml"), document(name, labels...))
}
