package tcp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"axion/gateway/hostname"
)

const (
	// peekTimeout bounds how long a client may take to say who it is.
	peekTimeout = 10 * time.Second
	// maxHello bounds the bytes of a TLS client's first message and their records.
	maxHello = 64 << 10
	// firstRead is how much is read to say what a client speaks.
	firstRead = 1 << 10
	// tlsRecord is the first byte of a TLS handshake (RFC 8446, section 5.1).
	tlsRecord = 0x16
)

// sslRequest is how a PostgreSQL client asks for TLS on a connection without it,
// and sslAccepted how the server agrees.
var (
	sslRequest  = []byte{0, 0, 0, 8, 4, 210, 22, 47}
	sslAccepted = []byte{'S'}
)

var (
	errPeeked    = errors.New("the first message was read")
	errTooLong   = errors.New("the first message is too long")
	errPremature = errors.New("the client went on before TLS was agreed on")
)

// clientHello is what a client's first bytes say.
type clientHello struct {
	tls      bool
	postgres bool // TLS was asked for in PostgreSQL's way
	name     string
	alpn     []string
}

// peekHello reads what a client says first, and leaves it in c.first; where postgres
// is set it agrees to TLS in PostgreSQL's way too. An error means that it says
// nothing that could be routed.
func peekHello(c *conn, postgres bool, patience time.Duration) (clientHello, error) {
	_ = c.Conn.SetReadDeadline(time.Now().Add(patience))
	defer func() { _ = c.Conn.SetReadDeadline(time.Time{}) }()
	if err := c.fill(1); err != nil {
		return clientHello{}, err
	}
	if postgres {
		var err error
		if postgres, err = c.acceptSSL(); err != nil {
			return clientHello{}, err
		}
	}
	if c.first[0] != tlsRecord {
		return clientHello{postgres: postgres}, nil
	}
	s, err := c.hello()
	s.postgres = postgres
	return s, err
}

// acceptSSL agrees to TLS where the client asks for it in PostgreSQL's way, and
// waits for it to begin.
func (c *conn) acceptSSL() (bool, error) {
	asks, err := c.asksSSL()
	if err != nil || !asks {
		return false, err
	}
	if len(c.first) > len(sslRequest) {
		return false, errPremature
	}
	c.first = nil
	if _, err := c.Conn.Write(sslAccepted); err != nil {
		return false, err
	}
	return true, c.fill(1)
}

// fill reads until at least n bytes are in first, of a few.
func (c *conn) fill(n int) error {
	for len(c.first) < n {
		buf := make([]byte, firstRead)
		read, err := c.Conn.Read(buf)
		c.first = append(c.first, buf[:read]...)
		if err != nil && len(c.first) < n {
			return err
		}
	}
	return nil
}

// asksSSL reports whether first is an sslRequest, and reads on while it may become
// one.
func (c *conn) asksSSL() (bool, error) {
	for n := len(c.first); ; n = len(c.first) {
		if n >= len(sslRequest) {
			return bytes.HasPrefix(c.first, sslRequest), nil
		}
		if !bytes.HasPrefix(sslRequest, c.first) {
			return false, nil
		}
		if err := c.fill(n + 1); err != nil {
			return false, err
		}
	}
}

// hello reads a TLS client's first message. One that is no such message is reported
// nothing of: who serves it will refuse it.
func (c *conn) hello() (clientHello, error) {
	s := clientHello{tls: true}
	rec := &recorder{Conn: c.Conn, seen: c.first}
	err := tls.Server(rec, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		s.name, _ = hostname.Name(h.ServerName) // what is no name is none
		s.alpn = h.SupportedProtos
		return nil, errPeeked
	}}).Handshake()
	c.first = rec.seen
	if errors.Is(err, errPeeked) {
		return s, nil
	}
	return s, rec.err
}

// recorder is a connection that keeps what is read of it, and to which nothing can
// be written.
type recorder struct {
	net.Conn
	seen []byte
	at   int   // how much of seen was read again
	err  error // of reading
}

func (r *recorder) Read(p []byte) (int, error) {
	if r.at < len(r.seen) {
		n := copy(p, r.seen[r.at:])
		r.at += n
		return n, nil
	}
	if len(r.seen) >= maxHello {
		r.err = errTooLong
		return 0, r.err
	}
	n, err := r.Conn.Read(p[:min(len(p), maxHello-len(r.seen))])
	r.seen = append(r.seen, p[:n]...)
	r.at = len(r.seen)
	if err != nil {
		r.err = err
	}
	return n, err
}

func (r *recorder) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
