package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/config"
	"axion/gateway/listen/peer"
	"axion/gateway/probe"
	"axion/gateway/steady"
	"axion/gateway/supervision"
)

// schemeH2C is HTTP/2 without TLS, with prior knowledge (RFC 9113, section 3.3).
const schemeH2C = "h2c"

// Balancer spreads requests over the servers of one service that are up. Without
// health checks all are. It is safe for concurrent use.
type Balancer struct {
	proxy    *Proxy
	name     string
	strategy string
	servers  []*server
	stick    *sticky
	up       atomic.Pointer[choice]
	since    atomic.Int64 // when the last server went down, in Unix nanoseconds; 0 while one is up
	watch    watchers
	passive  *passive
	checked  bool // by a health check

	mu      sync.Mutex    // orders changes of up
	changed chan struct{} // closed at the next change of up; nil while nobody waits for that
	users   int           // see retain
	cancel  context.CancelFunc
	checks  sync.WaitGroup
}

var _ Service = (*Balancer)(nil)

// choice is the servers that are up, and how one is chosen.
type choice struct {
	servers []*server
	probes  []*probe.Loop // of those that are not
	picker  picker
}

type server struct {
	service string
	log     *slog.Logger
	url     *url.URL
	ticket  string // empty where nobody sticks
	weight  int
	fenced  bool // serves only who sticks to it
	handler http.Handler
	load    load
	strikes failureWindow
	check   *probe.Loop // nil without a health check
	// upstream is what is known of its process, where the stack supervises that.
	upstream *supervision.Server
	unwatch  func()
	reach    *probe.Loop // whether it can be connected to; nil without a passive check
	down     bool        // by its health check; guarded by Balancer.mu
	ejected  bool        // by its failures; guarded by Balancer.mu
	refused  bool        // ousted as one that nothing could connect to; guarded by Balancer.mu
	// failing is since when no request could connect, in Unix nanoseconds, or 0.
	failing atomic.Int64
	// foreign is whose it is where its health check found another user's, or nil.
	foreign atomic.Pointer[peer.ServerError]
}

// Status is a server's address and whether it is in use.
type Status struct {
	URL     string
	Up      bool
	Checked bool // something asks whether it is up; else it counts as that
	// Detail is why the process that serves it is not up, and Hint what to do; empty where
	// the stack does not supervise it.
	Detail, Hint string
}

// Balancer returns a handler for the service of that name, and begins its health
// checks. Every server counts as up until its first check. Close must be called.
func (p *Proxy) Balancer(name string, lb *config.LoadBalancer, t *Transport) (*Balancer, error) {
	b := &Balancer{proxy: p, name: name, strategy: lb.Strategy, stick: newStick(name, lb.Sticky)}
	b.passive, b.checked = newPassive(lb.PassiveHealthCheck), lb.HealthCheck != nil
	for _, c := range lb.Servers {
		s, err := b.newServer(c, lb, t)
		if err != nil {
			return nil, err
		}
		if s.weight > 0 {
			b.servers = append(b.servers, s)
		}
	}
	var check *check
	if lb.HealthCheck != nil {
		var err error
		if check, err = newCheck(t, lb.HealthCheck); err != nil {
			return nil, err
		}
	}
	if err := b.follow(); err != nil {
		b.release()
		return nil, err
	}
	b.begin(check)
	return b, nil
}

// begin runs what asks servers whether they are up; check may be nil.
func (b *Balancer) begin(check *check) {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	var loops []*probe.Loop
	for _, s := range b.servers {
		if check != nil {
			s.check = check.loop(b, s)
			loops = append(loops, s.check)
		}
		if b.passive != nil {
			s.reach = b.reach(s)
			loops = append(loops, s.reach)
		}
	}
	if b.proxy.dry {
		return
	}
	for _, l := range loops {
		b.checks.Go(func() { l.Run(ctx) })
	}
}

func (b *Balancer) newServer(c config.Server, lb *config.LoadBalancer, t *Transport) (*server, error) {
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	s := &server{service: b.name, log: b.proxy.log, url: u, weight: 1, fenced: c.Fenced}
	if b.stick != nil {
		s.ticket = cookieValue(c.URL)
	}
	if c.Weight != nil {
		if s.weight = *c.Weight; s.weight < 0 {
			return nil, fmt.Errorf("server %s: weight %d is negative", c.URL, s.weight)
		}
	}
	flush := flushInterval
	if lb.ResponseForwarding != nil && lb.ResponseForwarding.FlushInterval != 0 {
		flush = time.Duration(lb.ResponseForwarding.FlushInterval)
	}
	s.handler = b.forwarder(s, target{
		passHost: lb.PassHostHeader == nil || *lb.PassHostHeader, keepPath: c.PreservePath, flush: flush, transport: t})
	return s, nil
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server url %q: %w", s, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != schemeH2C:
		return nil, fmt.Errorf("server url %q: scheme %q is not http, https or h2c", s, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("server url %q: has no host", s)
	}
	return u, nil
}

// choose takes the servers that are up. The caller holds mu, but while building.
func (b *Balancer) choose() (*choice, error) {
	c := &choice{}
	var weights []int
	var names []string
	for _, s := range b.servers {
		switch {
		case !s.upstream.Ready():
		case s.down && s.check != nil:
			c.probes = append(c.probes, s.check)
		case s.ejected && s.refused:
			c.probes = append(c.probes, s.reach)
		case s.down || s.ejected:
		case !s.fenced:
			c.servers, weights, names = append(c.servers, s), append(weights, s.weight), append(names, s.url.String())
		}
	}
	var err error
	c.picker, err = newPicker(b.strategy, weights, names, func(i int) *load { return &c.servers[i].load })
	return c, err
}

// ServeHTTP forwards r to the next server, or answers 503 where none is up.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := b.pick(w, r)
	if s == nil || s.upstream.State() != nil {
		b.serveSupervised(w, r, s)
		return
	}
	b.send(w, r, s, nil)
}

// pick is the server for r; nil where none is up. It has those asked that are down.
func (b *Balancer) pick(w http.ResponseWriter, r *http.Request) *server {
	up := b.up.Load()
	if len(up.servers) > 0 {
		for _, l := range up.probes {
			l.ProbeSoon()
		}
	}
	if b.stick != nil {
		if ticket := b.stick.of(r); ticket != "" {
			if s := b.stickyServer(ticket); s != nil {
				return s
			}
		}
	}
	if len(up.servers) == 0 {
		return nil
	}
	s := up.servers[up.picker.pick(r)]
	if b.stick != nil {
		b.stick.give(w, s.ticket)
	}
	return s
}

// stickyServer is the server, up, that a client has a ticket for. Fenced ones count.
func (b *Balancer) stickyServer(ticket string) *server {
	for _, s := range b.servers {
		if s.ticket != ticket {
			continue
		}
		if s.fenced {
			b.mu.Lock()
			defer b.mu.Unlock()
			if !s.down && !s.ejected && s.upstream.Ready() {
				return s
			}
			return nil
		}
		if slices.Contains(b.up.Load().servers, s) {
			return s
		}
		return nil
	}
	return nil
}

// Servers returns every server's state.
func (b *Balancer) Servers() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Status, len(b.servers))
	for i, s := range b.servers {
		list[i] = Status{URL: s.url.String(), Up: !s.down && !s.ejected && s.upstream.Ready(), Checked: b.checked}
		if now := s.upstream.State(); now != nil {
			list[i].Checked = true
			if !now.Up {
				list[i].Detail, list[i].Hint = now.Detail, now.Hint
			}
		}
	}
	return list
}

// Up reports whether a server is up.
func (b *Balancer) Up() bool { return len(b.up.Load().servers) > 0 }

// OnChange has f called after Up has changed, until remove is called.
func (b *Balancer) OnChange(f func(up bool)) (remove func()) { return b.watch.add(f) }

// Close ends the health checks and waits for them. Requests go on being served.
func (b *Balancer) Close() {
	b.cancel()
	b.checks.Wait()
	b.release()
	for _, s := range b.servers {
		s.strikes.stop()
	}
}

// set records the outcome of a check; failure is nil for a healthy server.
func (b *Balancer) set(s *server, failure error) {
	other, _ := errors.AsType[*peer.ServerError](failure)
	s.foreign.Store(other)
	if b.change(func() bool { was := s.down; s.down = failure != nil; return was != s.down }) {
		s.logState(failure)
	}
}

// change applies what may change which servers are up, and reports whether it did.
func (b *Balancer) change(apply func() bool) bool {
	b.mu.Lock()
	if !apply() {
		b.mu.Unlock()
		return false
	}
	was := b.Up()
	if up, err := b.choose(); err == nil { // else the strategy would have been refused
		b.up.Store(up)
	}
	now := b.Up()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	b.mu.Unlock()
	if now != was {
		b.since.Store(0)
		if !now {
			b.since.Store(steady.Now().UnixNano())
		}
		b.watch.notify(now)
	}
	return true
}

// logState logs that s is down for failure, or up where that is nil.
func (s *server) logState(failure error) {
	if failure != nil {
		s.log.Warn("server is down", "service", s.service, "url", s.url.Redacted(), "error", failure)
	} else {
		s.log.Info("server is up", "service", s.service, "url", s.url.Redacted())
	}
}

// noteDialError logs, once until s answers, that no connection to s can be made.
// Failures after that are the request's own: an answer cut short, say.
func (s *server) noteDialError(r *http.Request, err error) {
	dial, ok := errors.AsType[*net.OpError](err)
	if !ok || dial.Op != "dial" || statusOf(r, err) == statusClientGone {
		return
	}
	if s.check != nil {
		s.check.Recheck()
	}
	if s.failing.CompareAndSwap(0, steady.Now().UnixNano()) {
		s.log.Warn("server cannot be reached", "service", s.service, "url", s.url.Redacted(), "error", err)
	}
}

// noteRecovered logs that s answers again, where noteDialError had logged.
func (s *server) noteRecovered() {
	s.upstream.Reached()
	if since := s.failing.Load(); since != 0 && s.failing.CompareAndSwap(since, 0) {
		s.log.Info("server answers again", "service", s.service, "url", s.url.Redacted())
	}
}
