package listen

import (
	"errors"
	"net"
	"sync"
)

// merged is several listeners as one. A goroutine for each accepts ahead by at
// most one connection; Close ends them.
type merged struct {
	mu       sync.Mutex
	parts    []net.Listener // at least one
	accepted chan accepted
	closed   chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func merge(parts ...net.Listener) *merged {
	m := &merged{accepted: make(chan accepted), closed: make(chan struct{})}
	for _, l := range parts {
		m.add(l)
	}
	return m
}

// add accepts from another listener too. Once m is closed, it closes that.
func (m *merged) add(l net.Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.closed:
		_ = l.Close()
	default:
		m.parts = append(m.parts, l)
		m.running.Go(func() { m.accept(l) })
	}
}

func (m *merged) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		select {
		case m.accepted <- accepted{conn, err}:
		case <-m.closed:
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
	}
}

// Accept gives the next connection of any part.
func (m *merged) Accept() (net.Conn, error) { return m.AcceptUntil(nil) }

// AcceptUntil is Accept, but ends with [net.ErrClosed] when done is closed too.
func (m *merged) AcceptUntil(done <-chan struct{}) (net.Conn, error) {
	select {
	case a := <-m.accepted:
		return a.conn, a.err
	case <-m.closed:
	case <-done:
	}
	return nil, net.ErrClosed
}

// Close closes every part and returns once their goroutines have ended.
func (m *merged) Close() error {
	err := net.ErrClosed
	m.once.Do(func() {
		m.mu.Lock()
		close(m.closed)
		parts := m.parts
		m.mu.Unlock()
		var errs []error
		for _, l := range parts {
			errs = append(errs, l.Close())
		}
		err = errors.Join(errs...)
		m.running.Wait()
	})
	return err
}

// Addr is the first part's address.
func (m *merged) Addr() net.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.parts[0].Addr()
}
