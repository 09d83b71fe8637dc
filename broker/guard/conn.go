package guard

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/listener"
)

const (
	// firstTimeout is for the first request of a connection to start.
	firstTimeout = time.Minute
	// idleTimeout is for each further one, see [timeout]: Kafka's connections.max.idle.ms.
	idleTimeout = 10 * time.Minute
	// frameTimeout is for a request to arrive whole once it has started, and
	// for a response to be read.
	frameTimeout = time.Minute
)

// guardedConn is a client's connection as kfake sees it. kfake reads and writes it
// from one goroutine each, and writes each response by one Write.
type guardedConn struct {
	net.Conn
	client    client
	pending   *pending
	responder responder
	fetches   fetches
	drain     *drain
	onClose   func(*guardedConn)

	// for the reader alone
	frames  *frame.Reader
	wait    time.Duration // for the next request to start
	timeout timeout

	closed  chan struct{}
	closing sync.Once
	err     error // of closing Conn
}

var (
	_ net.Conn      = (*guardedConn)(nil)
	_ frame.Handler = (*guardedConn)(nil)
)

// owner is the listener of connections.
type owner struct {
	*Deps
	notes   *notes
	drain   *drain
	stopped <-chan struct{}
	accept  func(net.Conn) bool // has kfake accept a connection
	warn    func(msg string, args ...any)
	onClose func(*guardedConn)
}

func newConn(to net.Conn, o *owner) *guardedConn {
	c := &guardedConn{
		Conn: to, pending: newPending(), drain: o.drain, onClose: o.onClose, wait: firstTimeout, closed: make(chan struct{}),
	}
	c.timeout.set = to.SetReadDeadline
	c.client = client{
		Deps: o.Deps, notes: o.notes, pending: c.pending, conn: c, own: listener.IsMemory(to), peer: to.RemoteAddr(),
		closed: c.closed, stopped: o.stopped, warn: o.warn,
	}
	c.responder = responder{
		conn: to, pending: c.pending, endpoint: o.Policy.For(to.LocalAddr(), to.RemoteAddr()), onSent: o.drain.wake,
		timeout: timeout{set: to.SetWriteDeadline},
	}
	c.fetches = fetches{
		client: &c.client, responder: &c.responder, conn: to, close: c.Close, draining: o.drain.begun.Load, accept: o.accept,
	}
	c.frames = frame.NewReader(to, c, o.Frames, c.closed)
	return c
}

// Read gives out requests that kfake can bear. Anything else ends the
// connection.
func (c *guardedConn) Read(p []byte) (int, error) {
	n, err := c.frames.Read(p)
	if err != nil {
		c.frames.Free()
	}
	if bad, ok := errors.AsType[*frame.Error](err); ok {
		c.client.warn("broker: closed a connection", "peer", c.client.peer.String(), "reason", bad.Reason)
	}
	return n, err
}

// Write sends one response.
func (c *guardedConn) Write(p []byte) (int, error) { return c.responder.Write(p) }

// Close ends the connection. Calls after the first change nothing.
func (c *guardedConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.err = c.Conn.Close()
		c.fetches.connClosed()
		c.onClose(c)
	})
	return c.err
}

// IsClosed reports whether Close was called.
func (c *guardedConn) IsClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// BeforeFrame implements [frame.Handler].
func (c *guardedConn) BeforeFrame() error {
	_ = c.timeout.in(c.wait) // fails on a closed connection, as the read then does
	return c.client.ending
}

// OnFrameStart implements [frame.Handler].
func (c *guardedConn) OnFrameStart(there bool) {
	c.wait = idleTimeout
	if !there {
		_ = c.timeout.in(frameTimeout) // as in BeforeFrame
	}
}

// Wants implements [frame.Handler].
func (c *guardedConn) Wants(key int16) bool {
	return inspected(key) || exchanged(key) || kmsg.Key(key) == kmsg.Produce && c.client.Faults.OnProduce()
}

// Inspect implements [frame.Handler].
func (c *guardedConn) Inspect(req frame.Request, f []byte) ([]byte, error) {
	c.fetches.end(fetchGrace)
	if kmsg.Key(req.Key) == kmsg.Fetch {
		return c.fetches.inspect(req, f)
	}
	return inspect(&c.client, req, f)
}

// InspectBody implements [frame.Handler].
func (c *guardedConn) InspectBody(req frame.Request, body []byte) error {
	return produceBody(&c.client, req, body)
}

// BeforeForward implements [frame.Handler]. While the broker drains, it holds requests back until
// the connection is closed: to end it now would cut the responses under way.
func (c *guardedConn) BeforeForward(req frame.Request) error {
	if writesState(req.Key) && !c.client.Space.State() {
		return frame.Refuse("nothing can be written to the disk: %s is not accepted", kmsg.NameForKey(req.Key))
	}
	c.fetches.end(fetchGrace)
	c.pending.mu.Lock()
	last, due := c.pending.last, c.pending.due
	c.pending.add(req)
	c.pending.mu.Unlock()
	if !c.drain.begun.Load() {
		return nil
	}
	c.pending.mu.Lock()
	c.pending.last, c.pending.due = last, due
	c.pending.mu.Unlock()
	c.drain.wake()
	<-c.closed
	return net.ErrClosed
}
