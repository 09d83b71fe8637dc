package proxy

import (
	"cmp"
	"errors"
	"net/http"
	"sync"
	"time"

	"axion/gateway/config"
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
