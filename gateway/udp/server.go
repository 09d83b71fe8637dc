package udp

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	idleTimeout = 3 * time.Second // as in Traefik
	maxSessions = 4096
	// maxDatagram is more than any datagram has bytes.
	maxDatagram = 64 << 10
	// maxFailures is how many times in a row a socket may fail to receive.
	maxFailures = 100
)

// ServerOptions of a [ServerRecorder].
type ServerOptions struct {
	// Table gives the one in force.
	Table func() *Table
	// Timeout ends a session in which nothing is said for so long; 0 means 3s.
	Timeout time.Duration
	// MaxSessions bounds the sessions; 0 means 4096. Where there are as many, the
	// client that has been silent longest makes room.
	MaxSessions int
	// Control is that of the dialer of all servers, see [net.Dialer]. Nil means none.
	Control func(network, address string, c syscall.RawConn) error
	// Log receives failures. Nil discards.
	Log *slog.Logger
}

// Server serves one entrypoint. It is safe for concurrent use.
type Server struct {
	sockets []*net.UDPConn
	opts    ServerOptions
	began   time.Time
	timeout atomic.Int64    // Options.Timeout, which may change
	full    sync.Once       // it was logged that there are too many sessions
	ctx     context.Context // until Close
	cancel  context.CancelFunc
	running sync.WaitGroup // sessions; none begins once ctx has ended

	mu       sync.Mutex
	sessions map[netip.AddrPort]*list.Element
	lru      *list.List    // of *session, the client heard last first
	draining chan struct{} // not nil once no session begins any more; closed when none is left
}

// NewServer takes over the sockets, of which there is at least one. Close must be
// called.
func NewServer(sockets []*net.UDPConn, opts ServerOptions) *Server {
	opts.MaxSessions = cmp.Or(max(opts.MaxSessions, 0), maxSessions)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{sockets: sockets, opts: opts, began: time.Now(), sessions: make(map[netip.AddrPort]*list.Element), lru: list.New()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.SetTimeout(opts.Timeout)
	return s
}

// SetTimeout changes how long sessions last in which nothing is said; 0 means 3s. It
// counts for sessions under way too, from when they are heard of next.
func (s *Server) SetTimeout(d time.Duration) { s.timeout.Store(int64(cmp.Or(max(d, 0), idleTimeout))) }

// Addr is the first socket's address.
func (s *Server) Addr() net.Addr { return s.sockets[0].LocalAddr() }

// Serve returns nil once the server is closed, and an error where a socket has
// failed.
func (s *Server) Serve() error {
	failures := make(chan error, len(s.sockets))
	for _, socket := range s.sockets {
		go func() { failures <- s.receive(socket) }()
	}
	var first error
	for range s.sockets {
		if err := <-failures; err != nil && s.ctx.Err() == nil {
			first = fmt.Errorf("receive datagrams: %w", err)
			_ = s.Close()
		}
	}
	return first
}

// receive hands on the datagrams of clients.
func (s *Server) receive(socket *net.UDPConn) error {
	buf := make([]byte, maxDatagram)
	for failures := 0; ; {
		n, client, err := socket.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			failures = 0
			if at := s.session(socket, client); at != nil {
				at.send(buf[:n])
			}
		case errors.Is(err, net.ErrClosed):
			return err
		default: // such as that of a client that has gone
			if failures++; failures == maxFailures {
				return err
			}
		}
	}
}

// session is that of a client, begun where there is none yet; nil where nobody
// serves it.
func (s *Server) session(socket *net.UDPConn, client netip.AddrPort) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.sessions[client]; ok {
		s.lru.MoveToFront(e)
		return e.Value.(*session)
	}
	t := s.opts.Table()
	if t.Empty() || s.ctx.Err() != nil || s.draining != nil {
		return nil
	}
	if s.lru.Len() >= s.opts.MaxSessions {
		s.full.Do(func() {
			s.opts.Log.Warn("too many clients at once: those silent longest make room", "router", t.router, "sessions", s.opts.MaxSessions)
		})
		s.remove(s.lru.Back())
	}
	at := &session{server: s, socket: socket, client: client, service: t.service, router: t.router}
	at.touch()
	s.sessions[client] = s.lru.PushFront(at)
	s.running.Go(at.run)
	return at
}

// remove ends a session. The caller holds mu.
func (s *Server) remove(e *list.Element) {
	at := s.lru.Remove(e).(*session)
	delete(s.sessions, at.client)
	at.end()
	if s.draining != nil && s.lru.Len() == 0 {
		close(s.draining)
	}
}

// drop ends a session, unless that was done.
func (s *Server) drop(at *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.sessions[at.client]; e != nil && e.Value == at {
		s.remove(e)
	}
}

// Sessions counts those that go on.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lru.Len()
}

// Shutdown has no session begin any more, and waits for those under way until ctx
// ends. Then it closes the server. It is to be called once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	drained := make(chan struct{})
	s.draining = drained
	if s.lru.Len() == 0 {
		close(drained)
	}
	s.mu.Unlock()
	select {
	case <-drained:
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	return s.Close()
}

// Close ends every session and waits until they have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	s.cancel()
	for s.lru.Len() > 0 {
		s.remove(s.lru.Back())
	}
	s.mu.Unlock()
	var errs []error
	for _, socket := range s.sockets {
		if err := socket.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.running.Wait()
	return errors.Join(errs...)
}
