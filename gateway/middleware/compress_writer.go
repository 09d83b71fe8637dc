package middleware

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// compressed compresses an answer, or hands it on as it is. It holds the answer's
// beginning until it is known which: by the header if that says the length, else
// by the first bytes or a flush.
type compressed struct {
	http.ResponseWriter
	compressor *compressor
	coding     int

	status  int // 0 until the handler gives one
	decided bool
	held    *[]byte // what came before the decision
	encoder encoder // nil where the answer is not compressed
}

// holds are of the size of the smallest answers that are compressed.
var holds = sync.Pool{New: func() any { return new([]byte) }}

// WriteHeader decides where it can; informational answers pass as they are.
func (c *compressed) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		c.ResponseWriter.WriteHeader(status)
		return
	}
	if c.status != 0 {
		return
	}
	c.status = status
	h := c.Header()
	if !c.compressor.takes(status, h) {
		c.pass()
		return
	}
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n < int64(c.compressor.min) {
		c.pass()
	}
}

// Write compresses p, holds it or hands it on.
func (c *compressed) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if !c.decided {
		if c.holding()+len(p) < c.compressor.min {
			c.hold(p)
			return len(p), nil
		}
		if err := c.start(p); err != nil {
			return 0, err
		}
	}
	if c.encoder != nil {
		return c.encoder.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// FlushError sends all there is, the header included: who flushes streams, so the
// answer is compressed however small it is.
func (c *compressed) FlushError() error {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if !c.decided {
		if err := c.start(nil); err != nil {
			return err
		}
	}
	if c.encoder != nil {
		if err := c.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Hijack gives up the answer: what follows is the upgraded protocol's.
func (c *compressed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.decided = true
	return http.NewResponseController(c.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (c *compressed) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *compressed) holding() int {
	if c.held == nil {
		return 0
	}
	return len(*c.held)
}

func (c *compressed) hold(p []byte) {
	if c.held == nil {
		c.held = holds.Get().(*[]byte)
	}
	*c.held = append(*c.held, p...)
}

// pass decides against compression.
func (c *compressed) pass() {
	c.decided = true
	c.vary()
	c.ResponseWriter.WriteHeader(c.status)
}

// start decides for compression, unless the type that the body seems to have is
// excluded. What was held goes first; p is what follows.
func (c *compressed) start(p []byte) error {
	h := c.Header()
	if c.holding() > 0 || len(p) > 0 {
		if h.Get(contentTypeHeader) == "" {
			guess := c.guess(p)
			if !c.compressor.takesType(guess) {
				c.pass()
				return c.release(c.ResponseWriter.Write)
			}
			if _, given := h[contentTypeHeader]; !given {
				h.Set(contentTypeHeader, guess)
			}
		}
	}
	c.decided = true
	c.vary()
	h.Del("Content-Length")
	h.Del("Accept-Ranges") // of the bytes as they were
	h.Set("Content-Encoding", codingNames[c.coding])
	c.ResponseWriter.WriteHeader(c.status)
	c.encoder = encoders[c.coding].Get().(encoder)
	c.encoder.Reset(c.ResponseWriter)
	return c.release(c.encoder.Write)
}

func (c *compressed) guess(p []byte) string {
	const enough = 512 // bytes; more are not looked at
	if n := c.holding(); n > 0 {
		p = append((*c.held)[:n:n], p[:min(len(p), enough)]...)
	}
	return http.DetectContentType(p)
}

// release hands what was held to write.
func (c *compressed) release(write func([]byte) (int, error)) error {
	if c.held == nil {
		return nil
	}
	_, err := write(*c.held)
	*c.held = (*c.held)[:0]
	holds.Put(c.held)
	c.held = nil
	return err
}

// finish ends the answer. One that never began is left to whoever asked: a retry,
// say.
func (c *compressed) finish() {
	if c.status != 0 && !c.decided {
		c.pass()
		_ = c.release(c.ResponseWriter.Write)
	}
	if c.encoder != nil {
		_ = c.encoder.Close()
		c.encoder.Reset(nil)
		encoders[c.coding].Put(c.encoder)
		c.encoder = nil
	}
}

// vary adds to Vary what the answer depends on, for caches.
func (c *compressed) vary() {
	h := c.Header()
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Accept-Encoding") {
				return
			}
		}
	}
	h.Add("Vary", "Accept-Encoding")
}
