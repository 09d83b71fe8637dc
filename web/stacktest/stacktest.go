// Package stacktest drives a running stack from outside, as its clients do: over
// HTTPS with the local authority verified, WebSocket, and the Kafka protocol. It
// is for tests and benchmarks.
package stacktest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"axion/web/summary"
)

// Timeout bounds every wait for the stack; a test that meets it has failed.
const Timeout = 30 * time.Second

// Stack is a running stack as its JSON line describes it.
type Stack struct {
	summary.Summary
	// Client dials the gateway whatever the host, and trusts its authority alone.
	Client *http.Client
	tls    *tls.Config
	port   string // of websecure
}

// Connect reads a stack's JSON line.
func Connect(t testing.TB, line []byte) *Stack {
	t.Helper()
	s := &Stack{}
	if err := json.Unmarshal(line, &s.Summary); err != nil {
		t.Fatalf("the stack's JSON line: %v: %q", err, line)
	}
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	s.tls = &tls.Config{RootCAs: x509.NewCertPool()}
	if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", s.CA)
	}
	https, err := url.Parse(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	s.port = https.Port()
	transport := &http.Transport{TLSClientConfig: s.tls.Clone(), DialContext: s.dial, ForceAttemptHTTP2: true}
	s.Client = &http.Client{
		Transport: transport, Timeout: Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(transport.CloseIdleConnections)
	return s
}

// dial takes every name for this machine's: names under localhost need not
// resolve.
func (s *Stack) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// URL is an address on the gateway's HTTPS entrypoint.
func (s *Stack) URL(host, path string) string {
	return "https://" + net.JoinHostPort(host, s.port) + path
}

// Answer is what Do got.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request; a body that is not nil goes as JSON, and a token that is
// not empty as the bearer's.
func (s *Stack) Do(t testing.TB, method, address, token string, body any) Answer {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.Client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer := Answer{Status: res.StatusCode, Header: res.Header}
	if answer.Body, err = io.ReadAll(res.Body); err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	return answer
}

// Get sends a GET without a token.
func (s *Stack) Get(t testing.TB, address string) Answer {
	t.Helper()
	return s.Do(t, http.MethodGet, address, "", nil)
}

// Decode reads a JSON answer of an expected status.
func (a Answer) Decode(t testing.TB, status int, to any) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("got status %d, want %d: %s", a.Status, status, a.Body)
	}
	if to == nil {
		return
	}
	if err := json.Unmarshal(a.Body, to); err != nil {
		t.Fatalf("answer: %v: %s", err, a.Body)
	}
}
