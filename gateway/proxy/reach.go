package proxy

import (
	"errors"
	"net"
	"net/http"

	"axion/gateway/steady"
)

// failed logs, once until s answers, that no connection to s can be made.
// Failures after that are the request's own: an answer cut short, say.
func (b *Balancer) failed(s *server, r *http.Request, err error) {
	dial, ok := errors.AsType[*net.OpError](err)
	if !ok || dial.Op != "dial" || statusOf(r, err) == statusClientGone {
		return
	}
	if s.check != nil {
		s.check.Recheck()
	}
	if s.failing.CompareAndSwap(0, steady.Now().UnixNano()) {
		b.proxy.log.Warn("server cannot be reached", "service", b.name, "url", s.url.Redacted(), "error", err)
	}
}

// answered logs that s answers again, where failed had logged.
func (b *Balancer) answered(s *server) {
	if since := s.failing.Load(); since != 0 && s.failing.CompareAndSwap(since, 0) {
		b.proxy.log.Info("server answers again", "service", b.name, "url", s.url.Redacted())
	}
}
