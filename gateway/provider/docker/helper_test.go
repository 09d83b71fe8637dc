package docker_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/label"
	"axion/gateway/provider/docker"

	"go.uber.org/goleak"
)

// isolate is what an engine needs: see dockertest, which there is on Linux.
var isolate = func() (code int, done bool) { return 0, false }

func TestMain(m *testing.M) {
	if code, done := isolate(); done {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// waitTime bounds what an event is waited for.
const waitTime = 30 * time.Second

// follower is a provider whose Run goes on until the test ends.
type follower struct {
	*docker.Provider
	lists chan []label.Service
	last  []label.Service
	log   *record
}

func follow(t *testing.T, opts docker.Options) *follower {
	t.Helper()
	f := &follower{lists: make(chan []label.Service, 100), log: &record{}}
	opts.Log = slog.New(slog.NewTextHandler(f.log, nil))
	p, err := docker.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	f.Provider = p
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, func(list []label.Service) { f.lists <- list }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return f
}

// until waits for a list that is as it should be.
func (f *follower) until(t *testing.T, what string, ok func([]label.Service) bool) []label.Service {
	t.Helper()
	timeout := time.After(waitTime)
	for {
		select {
		case f.last = <-f.lists:
			if ok(f.last) {
				return f.last
			}
		case <-timeout:
			t.Fatalf("%s: not told; last %+v\nlog:\n%s", what, f.last, f.log)
		}
	}
}

// has waits for a service and gives it.
func (f *follower) has(t *testing.T, name string) label.Service {
	t.Helper()
	list := f.until(t, name+" to come", func(list []label.Service) bool { return find(list, name) != nil })
	return *find(list, name)
}

// hasNot waits for a service to go.
func (f *follower) hasNot(t *testing.T, name string) {
	t.Helper()
	f.until(t, name+" to go", func(list []label.Service) bool { return find(list, name) == nil })
}

func find(list []label.Service, name string) *label.Service {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// record is a log that may be read while it is written, and waited for.
type record struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// until waits for a text to be logged.
func (r *record) until(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(waitTime)
	for {
		r.mu.Lock()
		if strings.Contains(r.text.String(), text) {
			r.mu.Unlock()
			return
		}
		if r.news == nil {
			r.news = make(chan struct{})
		}
		news := r.news
		r.mu.Unlock()
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("not logged: %s; but\n%s", text, r)
		}
	}
}
