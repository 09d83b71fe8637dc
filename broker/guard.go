package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/advertise"
)

const (
	// firstTimeout is for the first request of a connection to start.
	firstTimeout = time.Minute
	// idleTimeout is for each further one, see [timeout]: Kafka's connections.max.idle.ms.
	idleTimeout = 10 * time.Minute
	// frameTimeout is for a request to arrive whole once it has started, and
	// for an answer to be taken.
	frameTimeout = time.Minute
)

// unanswered is how many requests of a connection may be without an answer: kfake
// (of 2026-09-18) works on one, has read the next, and begins to read another once one of
// them is answered. One more is to spare.
const unanswered = 4

// guardedConn is a client's connection as kfake sees it. kfake reads and writes it
// from one goroutine each, and writes each answer by one Write.
type guardedConn struct {
	net.Conn
	listener *guardedListener
	frames   *framer
	wait     time.Duration // for the next request to start; for the reader alone
	own      bool          // a client in this process
	endpoint advertise.Endpoint
	closed   chan struct{}
	closing  sync.Once
	err      error      // of closing Conn
	reading  timeout    // for the reader alone
	sending  timeout    // for who holds writing
	writing  sync.Mutex // held while an answer is written; taken before mu
	ending   error      // ends the connection once the present request is passed on; for the reader alone

	mu          sync.Mutex
	last        uint64              // the serial of the last request
	due         bool                // that is still to be answered
	fetcher     *fetcher            // nil until it is needed
	fetch       *fetching           // under way there; nil for none
	bulk        bool                // the last fetch brought much
	bulkAnswers int                 // counts those that were answered from the stored files
	recent      [unanswered]request // the last requests, from newest on
	newest      int
	completions map[uint64]responseHook // answers to complete, by the serials of their requests
}

var (
	_ net.Conn     = (*guardedConn)(nil)
	_ frameHandler = (*guardedConn)(nil)
)

func newGuardedConn(conn net.Conn, f *guardedListener) *guardedConn {
	g := &guardedConn{
		Conn:        conn,
		listener:    f,
		wait:        firstTimeout,
		closed:      make(chan struct{}),
		completions: make(map[uint64]responseHook),
	}
	_, g.own = conn.(*memoryConn)
	g.endpoint = f.broker.policy.For(conn.LocalAddr(), conn.RemoteAddr())
	g.reading.set, g.sending.set = conn.SetReadDeadline, conn.SetWriteDeadline
	g.frames = newFramer(conn, g, f.broker.frames, g.closed)
	return g
}

// Read gives out requests that kfake can bear. Anything else ends the
// connection.
func (g *guardedConn) Read(p []byte) (int, error) {
	n, err := g.frames.Read(p)
	if err != nil {
		g.frames.held.Free()
	}
	if bad, ok := errors.AsType[*frameError](err); ok {
		g.listener.warn("broker: closed a connection", "peer", g.RemoteAddr().String(), "reason", bad.reason)
	}
	return n, err
}

// Write sends one answer.
func (g *guardedConn) Write(p []byte) (int, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	return g.send(p)
}

// send sends an answer of kfake's. The caller holds writing.
func (g *guardedConn) send(p []byte) (int, error) {
	out, serial, err := g.complete(p)
	if err != nil {
		return 0, err
	}
	if _, err := g.sendAnswer(serial, net.Buffers{out}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sendAnswer sends the answer to a request as it is, and returns its size. The caller
// holds writing.
func (g *guardedConn) sendAnswer(serial uint64, p net.Buffers) (size int64, err error) {
	if err := g.sending.in(frameTimeout); err != nil {
		return 0, err
	}
	g.mu.Lock()
	g.due = g.due && g.last != serial // before a quick client asks for more
	g.mu.Unlock()
	if len(p) == 1 {
		n, writeErr := g.Conn.Write(p[0])
		size, err = int64(n), writeErr
	} else {
		size, err = p.WriteTo(g.Conn)
	}
	g.listener.wakeDrain()
	return size, err
}

// complete notes an answer, adds to it what the guard itself has to say, and returns the
// serial of its request.
func (g *guardedConn) complete(p []byte) (out []byte, serial uint64, err error) {
	if len(p) < prefix+4 {
		return nil, 0, fmt.Errorf("answer of %d bytes", len(p))
	}
	corr := int32(binary.BigEndian.Uint32(p[prefix:]))
	g.mu.Lock()
	req, c := g.find(corr)
	g.mu.Unlock()
	if c != nil {
		p, err = c.complete(p)
	}
	if err == nil {
		p, err = g.advertise(req, p)
	}
	return p, req.serial, err
}

// Close ends the connection. Calls after the first change nothing.
func (g *guardedConn) Close() error {
	g.closing.Do(func() {
		close(g.closed)
		g.err = g.Conn.Close()
		g.mu.Lock()
		f := g.fetcher
		g.mu.Unlock()
		if f != nil {
			f.ending.Do(func() { close(f.done) })
		}
		g.listener.remove(g)
	})
	return g.err
}

// isClosed reports whether Close was called.
func (g *guardedConn) isClosed() bool {
	select {
	case <-g.closed:
		return true
	default:
		return false
	}
}

// beforeFrame implements frameHandler.
func (g *guardedConn) beforeFrame() error {
	_ = g.reading.in(g.wait) // fails on a closed connection, as the read then does
	return g.ending
}

// onFrameStart implements frameHandler.
func (g *guardedConn) onFrameStart(there bool) {
	g.wait = idleTimeout
	if !there {
		_ = g.reading.in(frameTimeout) // as in beforeFrame
	}
}

// beforeForward implements frameHandler. While the broker drains, it holds requests back until
// the connection is closed: to end it now would take the answers under way.
func (g *guardedConn) beforeForward(req request) error {
	if writesState(req.key) && !g.listener.broker.space.State() {
		return refusef("nothing can be written to the disk: %s is not taken", kmsg.NameForKey(req.key))
	}
	g.endFetch(fetchGrace)
	g.mu.Lock()
	last, due := g.last, g.due
	g.last, g.due = req.serial, true
	g.note(req)
	g.mu.Unlock()
	if !g.listener.isDraining() {
		return nil
	}
	g.mu.Lock()
	g.last, g.due = last, due
	g.mu.Unlock()
	g.listener.wakeDrain()
	<-g.closed
	return net.ErrClosed
}

// hasPendingResponse reports whether the last request is still to be answered. One that has
// no answer (a produce with acks=0) seems to wait until the next.
func (g *guardedConn) hasPendingResponse() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.due
}
