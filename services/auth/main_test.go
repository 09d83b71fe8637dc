package auth

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"axion/services/contract"
	"axion/services/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// deadline bounds every wait of a test; nothing depends on its length.
	deadline = 30 * time.Second
	baseURL  = "https://auth.localhost:8443"
)

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, contract.Topics()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// stack is the provider, running.
type stack struct {
	*Service
	base  string
	clock *clock
	stop  func() // at the latest when the test ends
}

func hostOptions(t *testing.T, cluster *kfake.Cluster, dir string) host.Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return host.Options{
		Listener: listener, Dir: dir, Brokers: cluster.ListenAddrs(), Version: "test", Issuer: baseURL,
		Tracer: noop.NewTracerProvider(), Log: slog.New(slog.DiscardHandler),
	}
}

// stopper stops a host once.
func stopper(t *testing.T, h *host.Host) func() {
	return sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		if err := h.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

func start(t *testing.T, cluster *kfake.Cluster, dir string) *stack {
	t.Helper()
	c := &clock{now: time.Now()}
	o := hostOptions(t, cluster, dir)
	s, err := New(t.Context(), o, Options{BaseURL: baseURL, Now: c.Now})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	// The race detector makes hashing slow.
	s.hashing.cost, s.hashing.wait = bcrypt.MinCost, deadline
	stop := stopper(t, s.Host)
	t.Cleanup(stop)
	if err := s.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &stack{Service: s, base: "http://" + o.Listener.Addr().String(), clock: c, stop: stop}
}

// answer is an HTTP answer, read.
type answer struct {
	status int
	header http.Header
	body   string
	fields struct {
		Token, Message, Code, URL string
		Redirect                  bool
		User                      *User
		Session                   *Session
	}
}

// cookie is the session cookie that was set, nil where none was.
func (a answer) cookie() *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasSuffix(c.Name, cookieName) {
			return c
		}
	}
	return nil
}

// send does one request under /api/auth; header is "Name: value" lines. A body
// is JSON unless header says otherwise.
func (s *stack) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+basePath+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", jsonType)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	if err := json.Unmarshal(raw, &a.fields); err != nil {
		t.Fatalf("body %q: %v", raw, err)
	}
	return a
}

// signIn signs the development user in and returns the session's token.
func (s *stack) signIn(t *testing.T, header ...string) answer {
	t.Helper()
	a := s.send(t, http.MethodPost, "/sign-in/email", `{"email":"dev@axion.localhost","password":"development"}`, header...)
	if a.status != http.StatusOK || a.fields.Token == "" {
		t.Fatalf("sign in: got %d %s", a.status, a.body)
	}
	return a
}

// session asks get-session, and reports whether anybody is signed in.
func (s *stack) session(t *testing.T, header ...string) bool {
	t.Helper()
	a := s.send(t, http.MethodGet, "/get-session", "", header...)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("get-session: got %d %v", a.status, a.header)
	}
	return strings.TrimSpace(a.body) != "null"
}
