package http1

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"axion/gateway/respwriter"
	"axion/gateway/tunnel"
)

// Upgrade is the protocol that r asks to change to (RFC 9110, section 7.8), empty for
// none. A change to HTTP/2 without TLS is not offered to servers: it would carry
// requests past the routers.
func Upgrade(r *http.Request) string {
	if r.ProtoMajor != 1 || r.ProtoMinor == 0 || hasBody(r) || r.Header["Upgrade"] == nil {
		return ""
	}
	protocol := r.Header.Get("Upgrade")
	if protocol == "" || hasToken(protocol, "h2c") {
		return ""
	}
	for _, line := range r.Header["Connection"] {
		if hasToken(line, "upgrade") {
			return protocol
		}
	}
	return ""
}

// upgradeTo passes the server's agreement on, and bytes from then on. It returns while
// they still flow where the writer can let a request last.
func (x *exchange) upgradeTo(c *conn) error {
	if x.upgrade == "" || !strings.EqualFold(x.head.get("Upgrade"), x.upgrade) {
		return &Error{Op: "header", Err: malformed("it switches to a protocol that nobody asked for")}
	}
	h := x.w.Header()
	x.head.writeTo(h)
	client, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return &Error{Op: "header", Err: err}
	}
	x.switched = true
	x.deadline.start() // a tunnel has no head to wait for
	x.client.watch.remove(x)
	link := &upgradedTunnel{client: client, server: c, clientEarly: bufferedBytes(buffered.Reader), answer: appendSwitch(nil, h, x.upgrade)}
	if l, ok := respwriter.Find[respwriter.Detacher](x.w); ok {
		ctx, end := l.Detach()
		go func() {
			defer end()
			link.run(ctx)
		}()
		return nil
	}
	link.run(x.r.Context())
	return nil
}

// bufferedBytes is what was read ahead.
func bufferedBytes(r *bufio.Reader) []byte {
	early, _ := r.Peek(r.Buffered())
	return append([]byte(nil), early...)
}

func appendSwitch(b []byte, h http.Header, protocol string) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"...)
	b = appendField(b, "Upgrade", protocol)
	for name, values := range h {
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	return append(b, '\r', '\n')
}

// upgradedTunnel is a connection of its own, of a client with a server.
type upgradedTunnel struct {
	client      net.Conn
	server      *conn
	clientEarly []byte // what the client sent before the answer
	answer      []byte
}

// lastWords is how long a tunnel goes on when the gateway closes: a service that has
// stopped just before has said its goodbye, and it may be on its way here.
const lastWords = 200 * time.Millisecond

// run ends when both sides have, or soon after ctx has.
func (l *upgradedTunnel) run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(lastWords, func() {
			_ = l.client.Close()
			_ = l.server.Conn.Close()
		})
	})()
	if err := l.begin(); err != nil {
		_ = l.client.Close()
		_ = l.server.Conn.Close()
		return
	}
	tunnel.Run(l.client, l.server.Conn, -1)
}

// begin sends what is there already, and lets go of the buffers.
func (l *upgradedTunnel) begin() error {
	_, err := l.client.Write(append(l.answer, bufferedBytes(l.server.r)...))
	l.server.end()
	if len(l.clientEarly) > 0 {
		_, early := l.server.Conn.Write(l.clientEarly)
		err = errors.Join(err, early)
	}
	l.clientEarly, l.answer = nil, nil
	return err
}
