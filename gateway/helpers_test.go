package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway"
	"axion/gateway/api"
	"axion/gateway/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; it is only reached where something is broken.
const patience = 20 * time.Second

// stack is a running gateway with the compose file that it watches.
type stack struct {
	*gateway.Gateway
	*api.API
	t            *testing.T
	file         string
	fragments    string
	http, secure string // addresses
}

// start runs a gateway on free ports over a compose document, once prepared.
func start(t *testing.T, compose string, prepare ...func(*gateway.Gateway)) *stack {
	t.Helper()
	dir := t.TempDir()
	s := &stack{t: t, file: filepath.Join(dir, "compose.yaml"), fragments: filepath.Join(dir, "fragments")}
	s.save(compose)
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{
		Web: plain, WebSecure: secure,
		Files: []string{s.file}, FragmentDir: s.fragments,
		CADir: filepath.Join(dir, "ca"), StateDir: filepath.Join(dir, "state"),
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.Gateway, s.API, s.http, s.secure = g, g.API(), plain.Addr().String(), secure.Addr().String()
	for _, p := range prepare {
		p(g)
	}
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// A test that cuts requests off has seen this already.
		if err := g.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: %v", err)
		}
	})
	return s
}

func port0(t testing.TB) net.Listener {
	t.Helper()
	l, err := listen.Listen("0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// save replaces the compose file in one step.
func (s *stack) save(compose string) {
	s.t.Helper()
	write(s.t, s.file, compose)
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".tmp", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// compose is a document of one service with these labels.
func compose(labels ...string) string {
	return document("app", labels...)
}

func document(service string, labels ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "services:\n  %s:\n    labels:\n", service)
	for _, l := range append([]string{"traefik.enable=true"}, labels...) {
		fmt.Fprintf(&b, "      - %q\n", "traefik."+strings.TrimPrefix(l, "traefik."))
	}
	return b.String()
}

// route is the labels of a router and its service; extra ones are "field=value".
func route(name, rule, url string, extra ...string) []string {
	labels := []string{
		"http.routers." + name + ".rule=" + rule,
		"http.routers." + name + ".service=" + name,
		"http.services." + name + ".loadbalancer.server.url=" + url,
	}
	for _, e := range extra {
		labels = append(labels, "http.routers."+name+"."+e)
	}
	return labels
}

// upstream is a server that answers with text.
func upstream(t *testing.T, text string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// client dials the stack for every host. It does not follow redirects.
func (s *stack) client(protocols ...string) *http.Client {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := s.http
			if strings.HasSuffix(addr, ":443") {
				to = s.secure
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
		TLSClientConfig:   &tls.Config{RootCAs: s.RootPool()},
		ForceAttemptHTTP2: len(protocols) > 0 && protocols[0] == "h2",
	}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get answers with status and body.
func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return resp.StatusCode, string(body)
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func await(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("%s: not within %s", what, patience)
	}
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

func deadline() time.Time { return time.Now().Add(patience) }
