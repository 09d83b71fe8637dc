package inbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/cancellation"
)

// connection is what is known of a client's connection.
type connection struct {
	conn     net.Conn
	reads    *cancellation.Conn // nil where nothing notes them
	began    time.Time
	requests atomic.Int64

	vetting sync.Once
	refused error // by Vet
}

type connectionKey struct{}

// WithConnection is a server's ConnContext, which [Policy.Reuse] and [Linger] need. Where
// c, or a connection below, has a method Reads, package cancellation knows what that notes.
func WithConnection(ctx context.Context, c net.Conn) context.Context {
	at := &connection{conn: c, began: time.Now()}
	if noted, ok := below[interface{ Reads() *cancellation.Conn }](c); ok {
		at.reads = noted.Reads()
		ctx = cancellation.WithConn(ctx, at.reads)
	}
	return context.WithValue(ctx, connectionKey{}, at)
}

// below is the first connection from c on that is a T.
func below[T any](c net.Conn) (found T, ok bool) {
	for c != nil {
		if found, ok = c.(T); ok {
			return found, true
		}
		wrapped, wraps := c.(interface{ NetConn() net.Conn })
		if !wraps {
			break
		}
		c = wrapped.NetConn()
	}
	return found, false
}

// ErrNoConnection says that a request's TCP connection is not known, as over HTTP/3.
var ErrNoConnection = errors.New("the request came over no TCP connection")

// Vet gives what check says of the TCP connection of a request whose context is ctx. It is
// asked once for a connection, by the first call; others must ask the same.
func Vet(ctx context.Context, check func(net.Conn) error) error {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return ErrNoConnection
	}
	c.vetting.Do(func() {
		if socket, ok := below[*net.TCPConn](c.conn); ok {
			c.refused = check(socket)
		} else {
			c.refused = ErrNoConnection
		}
	})
	return c.refused
}

// beginRead notes that r's body, if it has one, is to be read.
func beginRead(r *http.Request) {
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok && c.reads != nil && r.ProtoMajor == 1 {
		c.reads.Begin(HasBody(r))
	}
}

// Linger is for a request over HTTP/1 that was answered before all of its body had come.
// Where its connection, or one below, has a method Linger, it is called: to close that
// connection at once would reset it, and the client might never see the answer (RFC 9112,
// section 9.6). Where the answer ends the connection, net/http reads what is left of a
// short body first: a client that has stopped sending is not waited for.
func Linger(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok || r.ProtoMajor != 1 {
		return
	}
	if l, ok := below[interface{ Linger() }](c.conn); ok {
		l.Linger()
	}
	if w.Header().Get("Connection") == "close" {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
	}
}

// lingerTime is how long a client may take to send a body that is not wanted.
const lingerTime = 2 * time.Second

// Reuse ends the connection after this answer where it was used as often or as long
// as it may be: over HTTP/1 by Connection: close, over HTTP/2 by GOAWAY, which net/http
// makes of it. It has no effect over HTTP/3, as in Traefik, nor on a connection that is
// to become another protocol's.
func (p *Policy) Reuse(w http.ResponseWriter, r *http.Request) {
	if p.maxRequests == 0 && p.maxAge == 0 {
		return
	}
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok || r.ProtoMajor > 2 {
		return
	}
	n := c.requests.Add(1)
	if (p.maxRequests > 0 && n >= int64(p.maxRequests) || p.maxAge > 0 && time.Since(c.began) > p.maxAge) && !upgrades(r) {
		w.Header()["Connection"] = []string{"close"}
	}
}

func upgrades(r *http.Request) bool { return r.ProtoMajor == 1 && r.Header["Upgrade"] != nil }

// Bound limits the time of a request and its answer: its body's by the connection or
// stream, so that it counts whether or not a handler reads it, and its answer's in
// addition by the context of the request that is returned. A connection that becomes
// another protocol's has no limits from then on. End is to be called after the handlers.
func (p *Policy) Bound(w http.ResponseWriter, r *http.Request) (bounded *http.Request, end func()) {
	beginRead(r)
	if p.read > 0 && HasBody(r) {
		// Net/http takes it back once the body is read, or before the next request.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(p.read))
	}
	if p.write == 0 {
		return r, nothing
	}
	until := time.Now().Add(p.write)
	_ = http.NewResponseController(w).SetWriteDeadline(until)
	if upgrades(r) {
		return r, nothing
	}
	// A deadline is noticed only where something is written.
	ctx, cancel := context.WithDeadline(r.Context(), until)
	return r.WithContext(ctx), cancel
}

func nothing() {}
