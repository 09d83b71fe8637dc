// Package http1 sends requests to servers over HTTP/1.1 by a client of its own. It
// does in one goroutine, and nearly without garbage, what net/http's Transport takes
// three and a map for; RFC 9112 says what is sent and what is believed.
package http1

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/dockerhost"
)

// Options of a [Client]. Zero values mean what the fields say.
type Options struct {
	// MaxIdlePerHost is how many unused connections are kept for one server: 200 if
	// zero, none if negative.
	MaxIdlePerHost int
	// DialTimeout, HeaderTimeout and IdleTimeout bound connecting, waiting for an
	// answer's head, and being unused. Zero means no limit.
	DialTimeout, HeaderTimeout, IdleTimeout time.Duration
	// Control is a [net.Dialer]'s. Nil means none.
	Control func(network, address string, c syscall.RawConn) error
	// Check is a [dockerhost.Dialer]'s. Nil means none.
	Check func(net.Conn) error
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	opts   Options
	dialer dockerhost.Dialer

	watch  cancelWatcher
	mu     sync.Mutex
	pools  map[string]*pool
	closed bool
}

// Idempotent reports whether a server may get r twice without harm (RFC 9110, section
// 9.2.2), or the client says how to see that it has.
func Idempotent(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header["Idempotency-Key"] != nil || r.Header["X-Idempotency-Key"] != nil
}

// New returns a client; its Close is to be called.
func New(opts Options) *Client {
	if opts.MaxIdlePerHost == 0 {
		opts.MaxIdlePerHost = 200
	}
	dialer := dockerhost.Dialer{Dialer: net.Dialer{Timeout: opts.DialTimeout, KeepAlive: 15 * time.Second, Control: opts.Control},
		Check: opts.Check}
	return &Client{opts: opts, dialer: dialer, pools: make(map[string]*pool)}
}

// Target is one server and how it is asked. It does not change once it was used, and is
// safe for concurrent use then.
type Target struct {
	URL *url.URL // http://host:port; its path does not count
	// PassHost sends the request's own Host.
	PassHost bool
	// FlushInterval is how long a part of an answer of known length may be held back.
	// Zero or less flushes each part. Answers of unknown length are flushed at once.
	FlushInterval time.Duration

	// Keep says whether a small body is kept until the server has answered, for
	// [Error.Body]. Nil: it is not.
	Keep func() bool

	pool atomic.Pointer[pool] // of the client that was used last; nil before
}

// Error is a request that got no answer; nothing was written to the client.
type Error struct {
	Op  string // dial, write, read, header or body
	Err error
	// Dial says that no connection could be made.
	Dial bool
	// Resend says that the request can be sent again, by who calls Forward: the server has
	// not got it, or may get it twice. Body is then what was read of the client's.
	Resend bool
	Body   []byte
}

// opBody is reading the client's body.
const opBody = "body"

// BodyError is err as a failure to read the client's body.
func BodyError(err error) *Error { return &Error{Op: opBody, Err: err} }

// Client reports whether the client is at fault: its body broke off or is malformed.
func (e *Error) Client() bool { return e.Op == opBody }

// BodyStatus is what a request whose body could not be read, for err, is answered with:
// 408 where it did not come in time, what the request's end asks for where it has ended,
// such as 499 where the client has left, or else 400. Over HTTP/1, net/http ends the
// request's context in the first case as well.
func BodyStatus(r *http.Request, err error) int {
	if timedOut(err) {
		return http.StatusRequestTimeout
	}
	if cause := cancellation.Cause(r.Context()); cause != nil {
		return cancellation.Status(cause)
	}
	return http.StatusBadRequest
}

func timedOut(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Forward sends r to t, and its answer to w. A request whose protocol is changed
// returns once it is, where w is a [respwriter.Detacher] one. An error is an [*Error], after which
// nothing has been written to w. A failure after that aborts w by panicking with
// [http.ErrAbortHandler].
func (c *Client) Forward(w http.ResponseWriter, r *http.Request, t *Target) error {
	x := exchanges.Get().(*exchange)
	*x = exchange{sender: sender{client: c, w: w, r: r, target: t, upgrade: Upgrade(r), awaiting100: expectsContinue(r)},
		head: head{fields: x.head.fields[:0]}}
	defer x.release()
	for fresh := x.upgrade != ""; ; fresh = true {
		conn, used, err := x.connect(fresh)
		if err != nil {
			return x.resendable(err)
		}
		err = x.run(conn, used)
		// A connection that the server has closed unused says nothing of the request.
		// One of its own says it, so that there is no third attempt.
		if err == nil || !used || !x.replayable(err) {
			return x.resendable(err)
		}
		conn.pool.lost(x.unused)
		conn.pool.prune()
	}
}

// brief is for how long a connection may be unused without being looked at before a
// request that can be sent again: at high rates to look would cost more than it saves.
const brief = 20 * time.Millisecond

// connect gives a connection for the request, which is ready to be sent, and whether it
// was used before. One that the server has closed, or has sent something on that
// nobody asked for, is not given if that can be seen.
func (x *exchange) connect(fresh bool) (*conn, bool, error) {
	p := x.client.pool(x.target)
	look := hasBody(x.r) || !Idempotent(x.r)
	for fresh = fresh || look && !p.keeps(); !fresh; look = true {
		c, unused := p.get()
		if c == nil {
			break
		}
		if err := x.prepare(); err != nil {
			c.close()
			return nil, false, err
		}
		if look || peeks && unused >= brief {
			if !c.isIdle() {
				p.lost(unused)
				c.close()
				continue
			}
		}
		x.unused = unused
		return c, true, nil
	}
	raw, err := x.client.dialer.DialContext(x.r.Context(), "tcp", p.address)
	if err != nil {
		return nil, false, &Error{Op: "dial", Err: err, Dial: true}
	}
	c := newConn(raw, p)
	if err := x.prepare(); err != nil {
		c.close()
		return nil, false, err
	}
	return c, false, nil
}

var exchanges = sync.Pool{New: func() any { return &exchange{head: head{fields: make([]field, 0, 16)}} }}

// release gives x back for another request.
func (x *exchange) release() {
	x.discard()
	clear(x.head.fields)
	*x = exchange{head: head{fields: x.head.fields[:0]}}
	exchanges.Put(x)
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

func (c *Client) pool(t *Target) *pool {
	if p := t.pool.Load(); p != nil && p.client == c {
		return p
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pools[t.URL.Host]
	if p == nil {
		p = &pool{client: c, address: addressOf(t.URL), limit: c.opts.MaxIdlePerHost, idleTimeout: c.opts.IdleTimeout, closed: c.closed}
		c.pools[t.URL.Host] = p
	}
	t.pool.Store(p)
	return p
}

func addressOf(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// Close closes unused connections; those in use close after their request.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, p := range c.pools {
		p.close()
	}
}
