package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// waiting is how many connections of one listener are looked at, or wait to be
	// accepted, at once. The kernel holds those that come beyond.
	waiting = 32
	// maxAnswers is how many refusals over HTTP are given at once; others are only closed.
	maxAnswers = 8
	// answerTime bounds the telling of one.
	answerTime = 250 * time.Millisecond
)

// Protocol is what a listener's clients speak.
type Protocol int

// Protocols: over HTTP a refusal is answered with 403, else the connection is reset.
const (
	Other Protocol = iota
	HTTP
)

// listener gives those connections of another that are let in.
type listener struct {
	net.Listener
	guard    *Guard
	protocol Protocol
	places   chan struct{}
	answers  chan struct{}
	admitted chan admitted
	done     chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

type admitted struct {
	conn net.Conn
	err  error
}

// Listen gives those connections of l whose user is let in, as they are. Each is
// looked at beside the others: one that takes its time holds nobody up. Closing it
// closes l. Where the guard is not in force it is l itself.
func (g *Guard) Listen(l net.Listener, p Protocol) net.Listener {
	if g.off != nil {
		return l
	}
	to := &listener{
		Listener: l, guard: g, protocol: p, places: make(chan struct{}, waiting), answers: make(chan struct{}, maxAnswers),
		admitted: make(chan admitted), done: make(chan struct{}),
	}
	to.running.Go(to.run)
	return to
}

// Accept gives the next one that is let in.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.admitted:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close closes the listener below, and returns once nobody is looked at any more.
func (l *listener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.done)
		err = l.Listener.Close()
		l.running.Wait()
	})
	return err
}

func (l *listener) run() {
	for {
		select {
		case l.places <- struct{}{}:
		case <-l.done:
			return
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			l.give(admitted{err: err})
			if <-l.places; errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		l.running.Go(func() { l.look(conn) })
	}
}

// look gives a connection away or refuses it.
func (l *listener) look(conn net.Conn) {
	err := l.guard.Check(conn)
	if err == nil {
		l.give(admitted{conn: conn})
		<-l.places
		return
	}
	<-l.places
	l.guard.LogRefusal(err, l.Addr().String())
	l.refuse(conn, err)
}

func (l *listener) give(a admitted) {
	select {
	case l.admitted <- a:
	case <-l.done:
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}

// refuse ends a connection. A client of HTTP gets the reason, if it listens.
func (l *listener) refuse(conn net.Conn, why error) {
	if l.protocol == HTTP && !errors.Is(why, errGone) {
		select {
		case l.answers <- struct{}{}:
			answer403(conn, why)
			<-l.answers
		default:
		}
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a mere end is what a client of Kafka takes for a broker that asks for TLS
	}
	_ = conn.Close()
}

// Problem is the body of an answer of that status (RFC 9457).
func Problem(status int, detail string) []byte {
	text, _ := json.Marshal(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}) // these can be encoded
	return text
}

// answer403 answers the request that is to come, unread, by a problem (RFC 9457) as the
// services and the dashboard do, and waits until the client has
// the answer: to close at once would reset the connection, and the answer with it (RFC
// 9112, section 9.6).
func answer403(conn net.Conn, why error) {
	text := Problem(http.StatusForbidden, Text(why))
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	_, err := fmt.Fprintf(conn, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n"+
		"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s", len(text), text)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, 64<<10)
	}
}
