//go:build linux

package gateway_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"axion/gateway/listen/peer/peertest"
)

// TestRestrict: another user of this machine is not led to the stack's own listeners, on
// no connection and at no request of it, and to everything else as before.
func TestRestrict(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	shop := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "shop") })
	compose := document("shop", "http.routers.shop.rule=Host(`shop.localhost`)", "http.services.shop.loadbalancer.server.url="+shop)
	s, _ := ownStack(t, compose)
	ask := func(c net.Conn, in *bufio.Reader, host string) string {
		t.Helper()
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			wantProblem(t, res, body)
		}
		return res.Status + " " + string(body)
	}
	theirs, ours := net.Conn(peertest.Dial(t, other, s.http)), net.Conn(peertest.Dial(t, 0, s.http))
	theirIn, ourIn := bufio.NewReader(theirs), bufio.NewReader(ours)
	for _, host := range []string{"shop.localhost", "axion.localhost", "axion.localhost", "shop.localhost"} {
		got, own := ask(theirs, theirIn, host), ask(ours, ourIn, host)
		if want := "200 OK " + strings.ReplaceAll(strings.TrimSuffix(host, ".localhost"), "axion", "dashboard"); own != want {
			t.Errorf("%s answers its own user %q", host, own)
		}
		if host == "axion.localhost" && (!strings.HasPrefix(got, "403 ") || !strings.Contains(got, "--allow-user "+name)) ||
			host != "axion.localhost" && got != own {
			t.Errorf("%s answers %s %q", host, name, got)
		}
	}
	s.save(compose + "\n# again\n") // what serves is kept
	if got := ask(theirs, theirIn, "axion.localhost"); !strings.HasPrefix(got, "403 ") {
		t.Errorf("after a reload: got %q", got)
	}
}

// wantProblem checks that a refusal has the shape of the stack's others.
func wantProblem(t *testing.T, res *http.Response, body []byte) {
	t.Helper()
	var problem struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal(body, &problem); err != nil || res.Header.Get("Content-Type") != "application/problem+json" ||
		problem.Status != res.StatusCode || problem.Title != http.StatusText(res.StatusCode) || problem.Detail == "" {
		t.Errorf("%s: got %q as %s, %v; want a problem", res.Status, body, res.Header.Get("Content-Type"), err)
	}
}

// TestRestrictHTTP3 sends clients of HTTP/3 back to TCP, where they are known.
func TestRestrictHTTP3(t *testing.T) {
	t.Parallel()
	s, _ := ownStack(t, document("none"))
	secure := &tls.Config{RootCAs: s.RootPool(), ServerName: "axion.localhost"}
	quic, tcp := &http3.Transport{TLSClientConfig: secure}, &http.Transport{TLSClientConfig: secure}
	t.Cleanup(func() { _ = quic.Close(); tcp.CloseIdleConnections() })
	for want, tr := range map[int]http.RoundTripper{http.StatusMisdirectedRequest: quic, http.StatusOK: tcp} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.secure+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "axion.localhost"
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if _ = res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			wantProblem(t, res, body)
		}
		if res.StatusCode != want || res.Header.Get("Alt-Svc") != "clear" {
			t.Errorf("got %s with Alt-Svc %q, want %d", res.Status, res.Header.Get("Alt-Svc"), want)
		}
	}
}
