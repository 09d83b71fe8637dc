//go:build linux

package gateway_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"axion/gateway"
	"axion/gateway/listen/peer"
	"axion/gateway/listen/peer/peertest"
)

// TestOtherServer: where another user of the machine serves the port of a deployed
// project, nothing is sent there, neither by the project's router nor by a forwardauth or
// another router of the user's files.
func TestOtherServer(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	taken := peertest.Listen(t, other, "127.0.0.1:0")
	t.Cleanup(func() { _ = taken.Close() })
	said := make(chan string, 100)
	go func() {
		defer close(said)
		for {
			c, err := peertest.Accept(other, taken)
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			text := make([]byte, 4<<10)
			n, _ := c.Read(text)
			_ = c.Close()
			said <- string(text[:n])
		}
	}()
	dir, url := t.TempDir(), "http://"+taken.Addr().String()
	s := &stack{t: t, file: filepath.Join(dir, "compose.yaml"), fragments: filepath.Join(dir, "fragments")}
	s.fragment("app-tea", route("tea", "Host(`tea.apps.localhost`)", url)...)
	s.save(compose(slices.Concat(
		route("shop", "Host(`shop.localhost`)", upstream(t, "shop"), "middlewares=auth"),
		[]string{"http.middlewares.auth.forwardauth.address=" + url + "/verify"},
		route("same", "Host(`same.localhost`)", url),
	)...))
	plain, secure := port0(t), port0(t)
	s.http, s.secure = plain.Addr().String(), secure.Addr().String()
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{s.file}, FragmentDir: s.fragments,
		CADir: filepath.Join(dir, "ca"), Guard: peer.New(peer.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	for _, host := range []string{"tea.apps.localhost", "shop.localhost", "same.localhost"} {
		res, err := s.plainly(host)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode < http.StatusInternalServerError {
			t.Errorf("%s: got %s, want an error", host, res.Status)
		}
		select { // the connection whose other end was looked at
		case text := <-said:
			if text != "" {
				t.Errorf("%s: %s got %q", host, name, text)
			}
		case <-time.After(patience):
			t.Fatalf("%s: %s was not connected to", host, name)
		}
	}
	_ = taken.Close()
	for text := range said {
		if text != "" {
			t.Errorf("%s got %q", name, text)
		}
	}
	own := peertest.Listen(t, os.Getuid(), taken.Addr().String())
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = server.Serve(own) }()
	t.Cleanup(func() { _ = server.Close() })
	for _, host := range []string{"tea.apps.localhost", "shop.localhost", "same.localhost"} {
		if res, err := s.plainly(host); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s by the own user's server: got %v, %v", host, res, err)
		}
	}
}
