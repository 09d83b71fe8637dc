package broker

import (
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"axion/broker/advertise"
	"axion/broker/membership"
	"axion/broker/recovery"
)

// retryAccept is the pause after a failed accept, such as for want of files.
const retryAccept = 50 * time.Millisecond

// guardedListener is the listener that kfake accepts from. It puts the guard around each
// connection and bounds their number. kfake stops for good at the first failed
// Accept, so Accept fails only once the listener is closed.
type guardedListener struct {
	net.Listener
	broker  *Broker
	members *members
	joined  *membership.Journal
	// settings are of groups and of subscriptions to client metrics.
	settings *recovery.Settings
	sharing  sync.Mutex // held while it is noted where share groups go on
	log      *slog.Logger

	ready   chan struct{} // closed by open: before it, nothing is accepted
	done    chan struct{} // closed by Close
	closing sync.Once
	err     error // of closing the listener

	drainCheck chan struct{}  // signalled by each answer and each end: drain checks again
	warnLimit  rate.Sometimes // bounds the warnings that peers can cause

	mu       sync.Mutex
	conns    map[*guardedConn]struct{}
	draining bool
}

func newGuardedListener(listener net.Listener, b *Broker, m *members, log *slog.Logger) *guardedListener {
	return &guardedListener{
		Listener:   listener,
		broker:     b,
		members:    m,
		log:        log,
		ready:      make(chan struct{}),
		done:       make(chan struct{}),
		drainCheck: make(chan struct{}, 1),
		warnLimit:  rate.Sometimes{First: 3, Interval: 10 * time.Second},
		conns:      make(map[*guardedConn]struct{}),
	}
}

// open lets connections in.
func (f *guardedListener) open() { close(f.ready) }

// Addr is what kfake advertises to every client; [guardedConn.advertise] puts the client's own
// way there in its place.
func (*guardedListener) Addr() net.Addr { return hostPort(advertise.Placeholder) }

// Accept implements [net.Listener].
func (f *guardedListener) Accept() (net.Conn, error) {
	select {
	case <-f.ready:
	case <-f.done:
		return nil, net.ErrClosed
	}
	for {
		conn, err := f.Listener.Accept()
		if err == nil {
			if g := f.guard(conn); g != nil {
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
		case <-time.After(retryAccept):
		}
	}
}

// guard puts the guard around conn, or closes it where there are too many. Apache
// Kafka (max.connections) leaves those waiting to be accepted, whose clients learn
// of it by a timeout; here they are refused at once. As there, the cluster's own
// clients are let in beyond the limit. None that is in is closed to make room.
func (f *guardedListener) guard(conn net.Conn) net.Conn {
	if own, ok := conn.(*fetcher); ok {
		return own
	}
	g := newGuardedConn(conn, f)
	ok, first := g.own, false
	if !g.own {
		ok, first = f.broker.limiter.Acquire()
	}
	f.mu.Lock()
	draining := f.draining
	if ok && !draining {
		f.conns[g] = struct{}{}
	}
	f.mu.Unlock()
	if ok && !draining {
		return g
	}
	refuse(conn)
	if ok && !g.own {
		f.broker.limiter.Release()
	}
	if first {
		_, limit, _ := f.broker.limiter.Counts()
		f.log.Warn("broker: too many connections: new ones are refused until others end", "limit", limit, "peer", conn.RemoteAddr().String())
	}
	return nil
}

// accept has kfake accept a fetcher, and reports whether it did.
func (f *guardedListener) accept(own *fetcher) bool {
	to, ok := f.Listener.(*virtualListener)
	return ok && to.deliver(accepted{own, nil})
}

// warn logs what a peer caused, some of many.
func (f *guardedListener) warn(msg string, args ...any) {
	f.warnLimit.Do(func() { f.log.Warn(msg, args...) })
}

// remove drops a connection that has closed.
func (f *guardedListener) remove(g *guardedConn) {
	f.mu.Lock()
	_, ok := f.conns[g]
	delete(f.conns, g)
	f.mu.Unlock()
	if ok && !g.own {
		f.broker.limiter.Release()
	}
	f.members.connClosed(g)
	f.wakeDrain()
}

// wakeDrain wakes drain to look again.
func (f *guardedListener) wakeDrain() {
	select {
	case f.drainCheck <- struct{}{}:
	default:
	}
}

// Close stops accepting; connections live on. It implements [net.Listener].
func (f *guardedListener) Close() error {
	f.closing.Do(func() {
		close(f.done)
		if err := f.Listener.Close(); !errors.Is(err, net.ErrClosed) {
			f.err = err
		}
	})
	return f.err
}

// drain stops accepting connections and requests, and waits until those under
// way are answered, for at most d.
func (f *guardedListener) drain(d time.Duration) {
	_ = f.Close() // its error is kept for wait
	f.mu.Lock()
	f.draining = true
	conns := slices.Collect(maps.Keys(f.conns))
	f.mu.Unlock()
	for _, g := range conns {
		g.endFetch(0)
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	for f.busy() {
		select {
		case <-f.drainCheck:
		case <-limit.C:
			return
		}
	}
}

// busy reports whether a request waits for its answer.
func (f *guardedListener) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for g := range f.conns {
		if g.hasPendingResponse() {
			return true
		}
	}
	return false
}

// isDraining reports whether requests are held back.
func (f *guardedListener) isDraining() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draining
}

// wait closes what connections are left, after the cluster has closed.
func (f *guardedListener) wait() error {
	f.mu.Lock()
	left := make([]*guardedConn, 0, len(f.conns))
	for g := range f.conns {
		left = append(left, g)
	}
	f.mu.Unlock()
	for _, g := range left {
		_ = g.Close() // it is gone either way
	}
	return f.Close()
}
