package broker

import (
	"errors"
	"net"
	"sync"
	"time"
)

// relistener accepts connections for whichever virtual listener is current. So the address stays
// ours while the broker is away; connections that arrive then are reset.
type relistener struct {
	listeners []net.Listener
	memory    *memory // for clients in this process
	working   sync.WaitGroup

	mu      sync.Mutex
	current *virtualListener
}

func newRelistener(listeners []net.Listener) *relistener {
	p := &relistener{listeners: listeners, memory: newMemory()}
	for _, l := range listeners {
		p.working.Go(func() { p.run(l) })
	}
	p.working.Go(func() { p.run(p.memory) })
	return p
}

// Close frees the addresses, and waits.
func (p *relistener) Close() error {
	err := errors.Join(closeAll(p.listeners), p.memory.Close())
	p.working.Wait()
	return err
}

// closeAll closes listeners; one that is closed already is no error.
func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// listen gives what is accepted to a new owner, until the owner closes it.
func (p *relistener) listen() *virtualListener {
	l := &virtualListener{addr: p.listeners[0].Addr(), accepted: make(chan accepted), done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = l
	return l
}

func (p *relistener) run(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		p.mu.Lock()
		to := p.current
		p.mu.Unlock()
		if to != nil && to.deliver(accepted{conn, err}) {
			continue
		}
		if err != nil {
			time.Sleep(retryAccept) // such as for want of files
		} else {
			refuse(conn)
		}
	}
}

// refuse resets a connection: a mere end is what clients take for a broker that
// asks for TLS.
func refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it closes all the same
	}
	_ = conn.Close() // there is nobody to report an error to
}

// virtualListener is a listener whose address outlives it.
type virtualListener struct {
	addr     net.Addr
	accepted chan accepted
	done     chan struct{}
	closing  sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

// deliver reports whether the owner took it.
func (l *virtualListener) deliver(a accepted) bool {
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
func (l *virtualListener) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *virtualListener) Close() error {
	l.closing.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (l *virtualListener) Addr() net.Addr { return l.addr }
