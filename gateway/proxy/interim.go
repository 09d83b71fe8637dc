package proxy

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// interim keeps 1xx answers and the one that counts apart, which ReverseProxy does not:
// it has the header of the first wiped off the second, and with it all that was there
// before. The server's 100 is for the gateway; the client gets one of its own once
// its body is read.
type interim struct {
	http.ResponseWriter
	header http.Header // of the next answer; until the last one begins
	minor  int         // of the client's HTTP/1.x; -1 for others
	begun  bool        // the answer that counts
}

var interims = sync.Pool{New: func() any { return &interim{header: make(http.Header, 16)} }}

func newInterim(w http.ResponseWriter, r *http.Request) *interim {
	i := interims.Get().(*interim)
	*i = interim{ResponseWriter: w, header: i.header, minor: -1}
	if r.ProtoMajor == 1 {
		i.minor = r.ProtoMinor
	}
	return i
}

// release gives i back for another request.
func (i *interim) release() {
	clear(i.header)
	*i = interim{header: i.header}
	interims.Put(i)
}

// Header is the next answer's own until the one that counts has begun.
func (i *interim) Header() http.Header {
	if i.begun {
		return i.ResponseWriter.Header()
	}
	return i.header
}

// WriteHeader sends an answer's head.
func (i *interim) WriteHeader(status int) {
	if !i.begun && status < 200 {
		i.inform(status)
		return
	}
	i.begin()
	i.ResponseWriter.WriteHeader(status)
}

func (i *interim) begin() {
	if i.begun {
		return
	}
	i.begun = true
	if i.minor >= 0 && i.header["Trailer"] != nil {
		delete(i.header, "Content-Length") // HTTP/1.1 has trailers after chunks only
	}
	to := i.ResponseWriter.Header()
	for name, values := range i.header {
		if len(to[name]) > 0 {
			values = append(to[name], values...)
		}
		to[name] = values
	}
}

// inform sends a 1xx answer with a header of its own.
func (i *interim) inform(status int) {
	if i.minor == 0 || status == http.StatusContinue { // RFC 9110, section 15.2
		return
	}
	to, before := i.ResponseWriter.Header(), maps.Clone(i.ResponseWriter.Header())
	maps.Copy(to, i.header)
	i.ResponseWriter.WriteHeader(status)
	clear(to)
	maps.Copy(to, before)
}

func (i *interim) Write(p []byte) (int, error) {
	i.begin()
	return i.ResponseWriter.Write(p)
}

// Hijack gives the connection away; the header that was prepared is then all there is.
// ReverseProxy reads the connection alone, so that what the client has sent already is
// put before what it sends.
func (i *interim) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	i.begin()
	conn, both, err := http.NewResponseController(i.ResponseWriter).Hijack()
	if err != nil || both.Reader.Buffered() == 0 {
		return conn, both, err
	}
	early, err := both.Reader.Peek(both.Reader.Buffered())
	return &earlyConn{Conn: conn, early: slices.Clone(early)}, both, err
}

// earlyConn is a connection of which something was read.
type earlyConn struct {
	net.Conn
	early []byte
}

// Read reads that first.
func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends the side towards the client.
func (c *earlyConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return c.Close()
}

// Unwrap is the writer below.
func (i *interim) Unwrap() http.ResponseWriter { return i.ResponseWriter }
