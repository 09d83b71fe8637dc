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

// handshake tries one for host and says its error.
func (s *stack) handshake(host string) error {
	c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: host, RootCAs: s.RootPool()})
	if err == nil {
		_ = c.Close()
	}
	return err
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
	t.Run("OK/SecondHandshake", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, func(g *gateway.Gateway) { g.SetWait(time.Millisecond) })
		for range 2 { // the name has a certificate, but no route
			status, body := get(t, s.client(), "https://"+host+"/")
			want(t, "status", status, 404)
			want(t, "body", body, "404 page not found\n")
		}
		s.SetWait(patience) // no handshake is under way
		result := make(chan error, 1)
		go func() { result <- s.handshake(host) }()
		eventually(t, "a waiting handshake", func() bool { return s.Waiting() == 1 })
		s.fragment("site", route("site", "Host(`"+host+"`)", upstream(t, "a"), "tls=true")...)
		if err := <-result; err != nil {
			t.Errorf("a handshake that waits though there is a certificate: %v", err)
		}
		status, body := get(t, s.client(), "https://"+host+"/")
		want(t, "status", status, 200)
		want(t, "body", body, "a")
	})
	t.Run("OK/ForeignNameDoesNotWait", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		begun := time.Now()
		if err := s.handshake("shop.example"); err == nil || !strings.Contains(err.Error(), "valid for localhost") {
			t.Errorf("handshake: got %v, want the default certificate", err)
		}
		if took := time.Since(begun); took >= patience {
			t.Errorf("handshake: ended after %s, want at once", took)
		}
	})
	t.Run("OK/TooMany", func(t *testing.T) {
		t.Parallel()
		s := start(t, other, patient)
		results := make(chan error, gateway.MaxPending)
		for range gateway.MaxPending {
			go func() { results <- s.handshake(host) }()
		}
		eventually(t, "waiting handshakes", func() bool { return s.Waiting() == gateway.MaxPending })
		if err := s.handshake(host); err != nil { // served at once
			t.Errorf("one too many: %v", err)
		}
		want(t, "waiting", s.Waiting(), gateway.MaxPending)
		s.fragment("site", route("site", "Host(`"+host+"`)", "http://127.0.0.1:1", "tls=true")...)
		for range gateway.MaxPending {
			if err := <-results; err != nil {
				t.Errorf("waiting handshake: %v", err)
			}
		}
	})
	t.Run("OK/Closed", func(t *testing.T) {
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
		<-result // however it ended
	})
}

// fragment writes a compose fragment of one service.
func (s *stack) fragment(name string, labels ...string) {
	s.t.Helper()
	write(s.t, filepath.Join(s.fragments, name+".yaml"), document(name, labels...))
}
