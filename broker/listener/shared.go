// Package listener keeps the broker's addresses while the broker restarts, and connects
// clients of this process through memory.
package listener

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// RetryAccept is the pause after a failed accept, such as for want of files.
const RetryAccept = 50 * time.Millisecond

// Shared accepts connections for whichever virtual listener is current. So the addresses
// stay bound while the broker is away; connections that arrive then are reset.
type Shared struct {
	memory  *memory // for clients in this process
	working sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener // at least one
	closed    bool
	current   *Virtual
}

// New accepts from listeners, which it owns, and from this process.
func New(listeners []net.Listener) *Shared {
	s := &Shared{listeners: listeners, memory: newMemory()}
	for _, l := range listeners {
		s.working.Go(func() { s.run(l) })
	}
	s.working.Go(func() { s.run(s.memory) })
	return s
}

// Add accepts from another listener too, which s owns. Once s is closed, it closes that.
func (s *Shared) Add(l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(net.ErrClosed, l.Close())
	}
	s.listeners = append(s.listeners, l)
	s.working.Go(func() { s.run(l) })
	return nil
}

// Dial connects a client of this process through memory, whatever address is asked for.
// Once s is closed, it is refused as by a port that nobody listens on.
func (s *Shared) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return s.memory.dial(ctx, network, address)
}

// Close frees the addresses, and waits.
func (s *Shared) Close() error {
	s.mu.Lock()
	s.closed = true
	all := s.listeners
	s.mu.Unlock()
	err := errors.Join(CloseAll(all), s.memory.Close())
	s.working.Wait()
	return err
}

// CloseAll closes listeners; one that is closed already is no error.
func CloseAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Listen returns a listener that accepts what s does, from now on and until it is closed.
func (s *Shared) Listen() *Virtual {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &Virtual{addr: s.listeners[0].Addr(), accepted: make(chan accepted), done: make(chan struct{})}
	s.current = l
	return l
}

// run accepts from l until that is closed.
func (s *Shared) run(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.mu.Lock()
		to := s.current
		s.mu.Unlock()
		if to != nil && to.deliver(accepted{conn, err}) {
			continue
		}
		if err != nil {
			time.Sleep(RetryAccept)
		} else {
			Refuse(conn)
		}
	}
}

// Refuse resets a connection: a mere end is what clients take for a broker that
// asks for TLS.
func Refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it closes all the same
	}
	_ = conn.Close() // there is nobody to report an error to
}

// Virtual is a listener whose address outlives it.
type Virtual struct {
	addr     net.Addr
	accepted chan accepted
	done     chan struct{}
	closing  sync.Once
}

// accepted is what a listener has accepted, or why it could not.
type accepted struct {
	conn net.Conn
	err  error
}

// Deliver has a connection accepted, and reports whether it was.
func (l *Virtual) Deliver(conn net.Conn) bool { return l.deliver(accepted{conn, nil}) }

// deliver waits until a is accepted, and reports whether it was.
func (l *Virtual) deliver(a accepted) bool {
	select {
	case <-l.done:
		return false
	default:
	}
	select {
	case l.accepted <- a:
		return true
	case <-l.done:
		return false
	}
}

// Accept implements [net.Listener].
func (l *Virtual) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *Virtual) Close() error {
	l.closing.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (l *Virtual) Addr() net.Addr { return l.addr }
