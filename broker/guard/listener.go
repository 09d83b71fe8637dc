package guard

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"axion/broker/advertise"
	"axion/broker/listener"
)

// Listener is the listener that kfake accepts from. It puts the guard around each
// connection and bounds their number. kfake stops for good at the first failed
// Accept, so Accept fails only once the listener is closed.
type Listener struct {
	net.Listener
	owner owner

	ready   chan struct{} // closed by Open: before it, nothing is accepted
	done    chan struct{} // closed by Close
	closing sync.Once
	err     error // of closing the listener

	warnLimit rate.Sometimes // bounds the warnings that peers can cause

	mu    sync.Mutex // held too while drain begins
	conns map[*guardedConn]struct{}
}

// New puts the guard around what l accepts. It accepts nothing before it is opened.
func New(l net.Listener, deps Deps) *Listener {
	f := &Listener{
		Listener:  l,
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
		warnLimit: rate.Sometimes{First: 3, Interval: 10 * time.Second},
		conns:     make(map[*guardedConn]struct{}),
	}
	f.owner = owner{
		Deps: &deps, notes: &notes{Deps: &deps, stopped: f.done}, drain: newDrain(), stopped: f.done,
		accept: f.deliver, warn: f.warn, onClose: f.remove,
	}
	return f
}

// Open lets connections in.
func (f *Listener) Open() { close(f.ready) }

// placeholder is an address by name. kfake advertises the String of its
// listener's address.
type placeholder struct{}

// Network implements [net.Addr].
func (placeholder) Network() string { return "tcp" }

// String implements [net.Addr].
func (placeholder) String() string { return advertise.Placeholder }

// Addr is what kfake advertises to every client; the responses that clients get have their
// own way there in its place.
func (*Listener) Addr() net.Addr { return placeholder{} }

// Accept implements [net.Listener].
func (f *Listener) Accept() (net.Conn, error) {
	select {
	case <-f.ready:
	case <-f.done:
		return nil, net.ErrClosed
	}
	for {
		c, err := f.Listener.Accept()
		if err == nil {
			if g := f.guard(c); g != nil {
				return g, nil
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		f.warn("broker: cannot accept a connection", "error", err)
		select {
		case <-f.done:
			return nil, net.ErrClosed
		case <-time.After(listener.RetryAccept):
		}
	}
}

// guard puts the guard around a connection, or closes it where there are too many. Apache
// Kafka (max.connections) leaves those waiting to be accepted, whose clients learn
// of it by a timeout; here they are refused at once. As there, the cluster's own
// clients are let in beyond the limit. None that is in is closed to make room.
func (f *Listener) guard(to net.Conn) net.Conn {
	if own, ok := to.(*fetcher); ok {
		return own
	}
	g := newConn(to, &f.owner)
	limiter := f.owner.Limiter
	ok, first := g.client.own, false
	if !g.client.own {
		ok, first = limiter.Acquire()
	}
	f.mu.Lock()
	draining := f.owner.drain.begun.Load()
	if ok && !draining {
		f.conns[g] = struct{}{}
	}
	f.mu.Unlock()
	if ok && !draining {
		return g
	}
	listener.Refuse(to)
	if ok && !g.client.own {
		limiter.Release()
	}
	if first {
		_, limit, _ := limiter.Counts()
		f.owner.Log.Warn("broker: too many connections: new ones are refused until others end", "limit", limit, "peer", to.RemoteAddr().String())
	}
	return nil
}

// deliver has kfake accept a connection of the guard's own, and reports whether it did.
func (f *Listener) deliver(own net.Conn) bool {
	to, ok := f.Listener.(*listener.Virtual)
	return ok && to.Deliver(own)
}

// warn logs what a peer caused, some of many.
func (f *Listener) warn(msg string, args ...any) {
	f.warnLimit.Do(func() { f.owner.Log.Warn(msg, args...) })
}

// remove drops a connection that has closed.
func (f *Listener) remove(g *guardedConn) {
	f.mu.Lock()
	_, ok := f.conns[g]
	delete(f.conns, g)
	f.mu.Unlock()
	if ok && !g.client.own {
		f.owner.Limiter.Release()
	}
	f.owner.Members.Closed(g)
	f.owner.drain.wake()
}

// OwnConns counts the connections of clients in this process.
func (f *Listener) OwnConns() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for g := range f.conns {
		if g.client.own {
			n++
		}
	}
	return n
}

// Close stops accepting; connections live on. It implements [net.Listener].
func (f *Listener) Close() error {
	f.closing.Do(func() {
		close(f.done)
		if err := f.Listener.Close(); !errors.Is(err, net.ErrClosed) {
			f.err = err
		}
	})
	return f.err
}

// Drain stops accepting connections and requests, and waits until those under
// way are answered, for at most d.
func (f *Listener) Drain(d time.Duration) {
	_ = f.Close() // its error is kept for Wait
	f.mu.Lock()
	f.owner.drain.begun.Store(true)
	conns := slices.Collect(maps.Keys(f.conns))
	f.mu.Unlock()
	for _, g := range conns {
		g.fetches.end(0)
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	for f.busy() {
		select {
		case <-f.owner.drain.check:
		case <-limit.C:
			return
		}
	}
}

// busy reports whether a request waits for its response.
func (f *Listener) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for g := range f.conns {
		if g.pending.has() {
			return true
		}
	}
	return false
}

// Wait closes what connections are left, after the cluster has closed.
func (f *Listener) Wait() error {
	f.mu.Lock()
	left := slices.Collect(maps.Keys(f.conns))
	f.mu.Unlock()
	for _, g := range left {
		_ = g.Close() // it is gone either way
	}
	return f.Close()
}
