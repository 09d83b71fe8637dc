package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"axion/gateway/config"
)

// Balancer spreads requests in turn over the servers of one service that are
// up. Without health checks all are. It is safe for concurrent use.
type Balancer struct {
	proxy   *Proxy
	name    string
	servers []*server
	up      atomic.Pointer[[]*server]
	turn    atomic.Uint64

	mu     sync.Mutex // orders changes of up
	cancel context.CancelFunc
	checks sync.WaitGroup
}

var _ http.Handler = (*Balancer)(nil)

type server struct {
	url     *url.URL
	handler http.Handler
	down    bool        // by its health check; guarded by Balancer.mu
	failing atomic.Bool // the last request could not connect
}

// Status is a server's address and whether it is in use.
type Status struct {
	URL string
	Up  bool
}

// Balancer returns a handler for the service of that name, and begins its health
// checks. Every server counts as up until its first check. Close must be called.
func (p *Proxy) Balancer(name string, lb *config.LoadBalancer, _ *Transport) (*Balancer, error) {
	b := &Balancer{proxy: p, name: name}
	for _, s := range lb.Servers {
		u, err := parseURL(s.URL)
		if err != nil {
			return nil, err
		}
		pass := lb.PassHostHeader == nil || *lb.PassHostHeader
		s := &server{url: u}
		s.handler = b.forwarder(s, pass)
		b.servers = append(b.servers, s)
	}
	up := slices.Clone(b.servers)
	b.up.Store(&up)
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if lb.HealthCheck != nil {
		check, err := newCheck(p.transport, lb.HealthCheck)
		if err != nil {
			cancel()
			return nil, err
		}
		for _, s := range b.servers {
			b.checks.Go(func() { b.watch(ctx, check, s) })
		}
	}
	return b, nil
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server url %q: %w", s, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server url %q: scheme %q is not http or https", s, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("server url %q: has no host", s)
	}
	return u, nil
}

// ServeHTTP forwards r to the next server, or answers 503 where none is up.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	up := *b.up.Load()
	if len(up) == 0 {
		http.Error(w, "no available server", http.StatusServiceUnavailable)
		return
	}
	turn := b.turn.Add(1) - 1
	up[turn%uint64(len(up))].handler.ServeHTTP(w, r)
}

// Servers tells every server's state.
func (b *Balancer) Servers() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Status, len(b.servers))
	for i, s := range b.servers {
		list[i] = Status{URL: s.url.String(), Up: !s.down}
	}
	return list
}

// Close ends the health checks and waits for them. Requests go on being served.
func (b *Balancer) Close() {
	b.cancel()
	b.checks.Wait()
}

// set records the outcome of a check; failure is nil for a healthy server.
func (b *Balancer) set(s *server, failure error) {
	b.mu.Lock()
	changed := s.down != (failure != nil)
	if changed {
		s.down = failure != nil
		up := slices.DeleteFunc(slices.Clone(b.servers), func(s *server) bool { return s.down })
		b.up.Store(&up)
	}
	b.mu.Unlock()
	if !changed {
		return
	}
	if failure != nil {
		b.proxy.log.Warn("server is down", "service", b.name, "url", s.url.String(), "error", failure)
	} else {
		b.proxy.log.Info("server is up", "service", b.name, "url", s.url.String())
	}
}

// Up reports whether a server is up.
func (b *Balancer) Up() bool { return len(*b.up.Load()) > 0 }

// OnChange is of no use yet: nothing is built of other services.
func (b *Balancer) OnChange(func(up bool)) {}
