package proxy

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"axion/gateway/config"
	"axion/gateway/dockerhost"
	"axion/gateway/probe"
)

const (
	defaultWindow   = 10 * time.Second
	defaultAttempts = 1
)

// passive takes servers out by the failures of their requests.
type passive struct {
	window time.Duration
	limit  int
}

func newPassive(c *config.PassiveHealthCheck) *passive {
	if c == nil {
		return nil
	}
	return &passive{window: cmp.Or(time.Duration(c.FailureWindow), defaultWindow), limit: cmp.Or(c.MaxFailedAttempts, defaultAttempts)}
}

// failureWindow are a server's failures of late.
type failureWindow struct {
	mu    sync.Mutex
	at    []time.Time
	back  *time.Timer // brings the server back
	ended bool
}

func (s *failureWindow) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.back != nil {
		s.back.Stop()
	}
}

// add notes a failure, and reports whether it is one too many.
func (s *failureWindow) add(p *passive, now time.Time, back func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.at[:0]
	for _, at := range s.at {
		if now.Sub(at) < p.window {
			kept = append(kept, at)
		}
	}
	s.at = append(kept, now)
	if len(s.at) < p.limit || s.ended {
		return false
	}
	s.at = s.at[:0]
	s.back = time.AfterFunc(p.window, back)
	return true
}

var errStrikes = errors.New("too many requests failed")

// recordStatus takes a server out whose requests fail: those that it does not answer, or
// with 5xx.
func (b *Balancer) recordStatus(s *server, status int) {
	if b.passive == nil || status < http.StatusInternalServerError {
		return
	}
	back := func() {
		if b.change(func() bool { was := s.ejected; s.ejected = false; return was }) {
			s.logState(nil)
		}
	}
	if s.strikes.add(b.passive, time.Now(), back) && b.change(func() bool {
		was := s.ejected
		s.ejected, s.refused = true, s.failing.Load() != 0
		return !was
	}) {
		s.logState(errStrikes)
	}
}

// dialTimeout bounds a test of whether a server can be connected to.
const dialTimeout = time.Second

// reach asks whether s can be connected to, when that is why it is out: a server that
// is started again serves the next request. One that answered with errors stays out.
func (b *Balancer) reach(s *server) *probe.Loop {
	return probe.New(probe.Options{
		Begin: b.proxy.begin,
		Ask: func(ctx context.Context) error {
			c, err := (&dockerhost.Dialer{Dialer: net.Dialer{Timeout: dialTimeout}, Check: b.proxy.check}).DialContext(ctx, "tcp", hostOf(s.url))
			if err != nil {
				return err
			}
			return c.Close()
		},
		Set: func(failure error) {
			if failure == nil && b.change(func() bool { was := s.ejected && s.refused; s.ejected = s.ejected && !was; return was }) {
				s.logState(nil)
			}
		},
	})
}

// ProbeSoon has servers that are down asked now, for a request that another one answers.
func (b *Balancer) ProbeSoon() {
	for _, l := range b.up.Load().probes {
		l.ProbeSoon()
	}
}

// AwaitUp has servers that are down asked now, and waits for a moment for one to be up. It
// reports whether one is.
func (b *Balancer) AwaitUp(ctx context.Context) bool { return b.awaitUp(ctx, &holding{}) }

// ProbeSoon has the children's servers that are down asked.
func (g *compositeBase) ProbeSoon() {
	for _, c := range g.children {
		c.ProbeSoon()
	}
}

// AwaitUp has the children's servers that are down asked, and waits for a moment for one to
// be up. It reports whether the group is.
func (g *compositeBase) AwaitUp(ctx context.Context) bool {
	if g.anyUp() {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of the others, once one is up
	outcomes := make(chan bool, len(g.children))
	for _, c := range g.children {
		go func() { outcomes <- c.AwaitUp(ctx) }()
	}
	for range g.children {
		if <-outcomes {
			return true
		}
	}
	return g.Up()
}
