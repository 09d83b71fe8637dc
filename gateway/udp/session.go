package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"axion/gateway/dockerhost"
)

const (
	dialTimeout = 5 * time.Second // for the server's name to be looked up
	// maxPending bounds the datagrams that wait for the server's address.
	maxPending = 16
)

// session is a client's exchange with one server.
type session struct {
	server     *Server
	socket     *net.UDPConn // where the client is
	client     netip.AddrPort
	service    *service
	router     string
	lastActive atomic.Int64 // when something was said last, since the server began

	mu       sync.Mutex
	upstream *net.UDPConn // to the server; nil until it is known
	pending  [][]byte     // until then
	ended    bool
}

func (s *session) touch() { s.lastActive.Store(int64(time.Since(s.server.began))) }

// send passes a datagram to the server, which may get lost on the way.
func (s *session) send(p []byte) {
	s.touch()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
	case s.upstream != nil:
		if _, err := s.upstream.Write(p); errors.Is(err, syscall.ECONNREFUSED) {
			_ = s.upstream.Close() // run ends the session
		}
	case len(s.pending) < maxPending:
		s.pending = append(s.pending, append([]byte(nil), p...))
	}
}

// end closes the way to the server.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.pending = true, nil
	if s.upstream != nil {
		_ = s.upstream.Close()
	}
}

// run passes what the server says to the client until the session has ended.
func (s *session) run() {
	defer s.server.drop(s)
	out, err := s.dial()
	if err != nil {
		if s.server.ctx.Err() == nil {
			s.server.opts.Log.Warn("datagrams are lost", "router", s.router, "error", err)
		}
		return
	}
	if !s.open(out) {
		_ = out.Close()
		return
	}
	r, err := newReceiver(out)
	if err != nil {
		return
	}
	_ = out.SetReadDeadline(s.deadline())
	for {
		err := r.receive(func(p []byte) {
			s.touch()
			_, _ = s.socket.WriteToUDPAddrPort(p, s.client)
		})
		switch until := s.deadline(); {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(until):
			_ = out.SetReadDeadline(until)
		default: // also where the server is not there: the client may find another
			return
		}
	}
}

// deadline is when the session ends unless something is said.
func (s *session) deadline() time.Time {
	return s.server.began.Add(time.Duration(s.lastActive.Load() + s.server.timeout.Load()))
}

// open sends what has waited; false says that the session has ended.
func (s *session) open(out *net.UDPConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.upstream = out
	for _, p := range s.pending {
		_, _ = out.Write(p)
	}
	s.pending = nil
	return true
}

// errNoServer says that a service has no servers.
var errNoServer = errors.New("there is no server")

// dial finds the server whose turn it is, or where its name is not known the next.
func (s *session) dial() (*net.UDPConn, error) {
	dialer := dockerhost.Dialer{Dialer: net.Dialer{Timeout: dialTimeout, Control: s.server.opts.Control}}
	var tried []string
	failure := errNoServer
	for {
		address := s.service.pick(tried)
		if address == "" {
			return nil, failure
		}
		c, err := dialer.DialContext(s.server.ctx, "udp", address)
		if err == nil {
			return c.(*net.UDPConn), nil
		}
		failure, tried = err, append(tried, address)
	}
}
