package provider

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/config"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// none is an environment without variables.
func none(string) (string, bool) { return "", false }

// web is a compose file with one router "r" for host, of service "web".
func web(host string) string { return app("web", "r", host, 3000) }

// app is a compose file with one service, one router and one port.
func app(service, router, host string, port int) string {
	return fmt.Sprintf("services:\n  %s:\n    labels:\n      - traefik.http.routers.%s.rule=Host(`%s`)\n"+
		"      - traefik.http.services.%s.loadbalancer.server.port=%d\n", service, router, host, router, port)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace saves as most editors do: a new file, renamed over the old one.
func replace(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+"~", content)
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, opts Options) *Provider {
	t.Helper()
	if opts.EnvLookup == nil {
		opts.EnvLookup = none
	}
	p, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rules are the rules in force, by router without provider.
func rules(d *config.Dynamic) map[string]string {
	out := map[string]string{}
	for name, r := range d.Routers {
		name, _, _ = strings.Cut(name, "@")
		out[name] = r.Rule
	}
	return out
}

// running is a provider whose Run goes on until the test ends.
type running struct {
	*Provider
	changes chan *config.Dynamic
	seen    []*config.Dynamic
	log     *journal
}

func run(t *testing.T, opts Options) *running {
	t.Helper()
	log := &journal{}
	opts.Log = slog.New(slog.NewTextHandler(log, nil))
	r := &running{Provider: open(t, opts), changes: make(chan *config.Dynamic, 100), log: log}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(d *config.Dynamic) { r.changes <- d }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return r
}

// until waits for a configuration that satisfies ok.
func (r *running) until(t *testing.T, what string, ok func(*config.Dynamic) bool) *config.Dynamic {
	t.Helper()
	const bound = 20 * time.Second
	deadline := time.After(bound)
	for {
		select {
		case d := <-r.changes:
			if r.seen = append(r.seen, d); ok(d) {
				return d
			}
		case <-deadline:
			t.Fatalf("%s: not within %s; rules are %v, problems %v", what, bound, rules(r.Dynamic()), r.Problems())
		}
	}
}

// untilRule waits until router has the rule Host(host), or is gone if host is
// empty.
func (r *running) untilRule(t *testing.T, router, host string) {
	t.Helper()
	want := ""
	if host != "" {
		want = "Host(`" + host + "`)"
	}
	r.until(t, "router "+router+" for "+host, func(d *config.Dynamic) bool { return rules(d)[router] == want })
}

// untilProblem waits for a problem whose message holds text.
func (r *running) untilProblem(t *testing.T, text string) config.Problem {
	t.Helper()
	var found config.Problem
	r.until(t, "problem "+text, func(d *config.Dynamic) bool {
		for _, p := range d.Problems {
			if strings.Contains(p.Error(), text) {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// tempFile is a path in a directory of its own.
func tempFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, path, content)
	return path
}
