package broker

import (
	"encoding/binary"
	"errors"
	"math"
	"net"
	"sync"
	"time"
)

const (
	// firstTime is for the first request of a connection to start.
	firstTime = time.Minute
	// idleTime is for each further one: Kafka's connections.max.idle.ms.
	idleTime = 10 * time.Minute
	// frameTime is for a request to arrive whole once it has started, and
	// for an answer to be taken.
	frameTime = time.Minute
)

// none is no correlation id.
const none = math.MinInt64

// guarded is a client's connection as kfake sees it. kfake reads and writes it
// from one goroutine each, and writes each answer by one Write.
type guarded struct {
	net.Conn
	front   *front
	frames  *framer
	wait    time.Duration // for the next request to start; for the reader alone
	closed  chan struct{}
	closing sync.Once
	err     error // of closing Conn

	mu          sync.Mutex
	request     int64                // the correlation id of the last request, or none
	answer      int64                // that of the last answer, or none
	completions map[int32]completion // by correlation id: answers to complete
}

var (
	_ net.Conn = (*guarded)(nil)
	_ gate     = (*guarded)(nil)
)

func newGuarded(conn net.Conn, f *front) *guarded {
	g := &guarded{
		Conn:        conn,
		front:       f,
		wait:        firstTime,
		closed:      make(chan struct{}),
		request:     none,
		answer:      none,
		completions: make(map[int32]completion),
	}
	g.frames = newFramer(conn, g)
	return g
}

// Read gives out requests that kfake can bear. Anything else ends the
// connection.
func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.frames.Read(p)
	if bad, ok := errors.AsType[*frameError](err); ok {
		g.front.warn("broker: closed a connection", "peer", g.RemoteAddr().String(), "reason", bad.reason)
	}
	return n, err
}

// Write sends one answer.
func (g *guarded) Write(p []byte) (int, error) {
	out, err := g.complete(p)
	if err != nil {
		return 0, err
	}
	if err := g.SetWriteDeadline(time.Now().Add(frameTime)); err != nil {
		return 0, err
	}
	if _, err := g.Conn.Write(out); err != nil {
		return 0, err
	}
	g.front.settle()
	return len(p), nil
}

// complete notes an answer, and adds to it what the guard itself has to say.
func (g *guarded) complete(p []byte) ([]byte, error) {
	if len(p) < prefix+4 {
		return p, nil
	}
	corr := int32(binary.BigEndian.Uint32(p[prefix:]))
	g.mu.Lock()
	c, ok := g.completions[corr]
	delete(g.completions, corr)
	g.mu.Unlock()
	var err error
	if ok {
		p, err = c.complete(p)
	}
	g.mu.Lock()
	g.answer = int64(corr)
	g.mu.Unlock()
	return p, err
}

// Close ends the connection. Calls after the first change nothing.
func (g *guarded) Close() error {
	g.closing.Do(func() {
		close(g.closed)
		g.err = g.Conn.Close()
		g.front.forget(g)
	})
	return g.err
}

// isClosed reports whether Close was called.
func (g *guarded) isClosed() bool {
	select {
	case <-g.closed:
		return true
	default:
		return false
	}
}

// awaiting implements gate.
func (g *guarded) awaiting() {
	_ = g.SetReadDeadline(time.Now().Add(g.wait)) // fails on a closed connection, as the read then does
}

// begun implements gate.
func (g *guarded) begun() {
	g.wait = idleTime
	_ = g.SetReadDeadline(time.Now().Add(frameTime)) // as in awaiting
}

// pass implements gate. While the broker drains, it holds requests back until
// the connection is closed: to end it now would take the answers under way.
func (g *guarded) pass(req request) error {
	before := g.swapRequest(int64(req.corr))
	if !g.front.isDraining() {
		return nil
	}
	g.swapRequest(before)
	g.front.settle()
	<-g.closed
	return net.ErrClosed
}

// swapRequest sets the last request and returns the one before.
func (g *guarded) swapRequest(corr int64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.request
	g.request = corr
	return before
}

// waits reports whether the last request is still to be answered. One that has
// no answer (a produce with acks=0) seems to wait until the next.
func (g *guarded) waits() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.request != g.answer
}
