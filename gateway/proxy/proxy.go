// Package proxy carries requests to upstream servers: it balances over those
// that are healthy, forwards bodies, trailers and upgraded connections, and
// answers for servers that cannot.
package proxy

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

const (
	bufferSize = 32 << 10
	// maxIdle is how many unused connections are kept for one server.
	maxIdle = 256
	// flushInterval bounds how long a slow response is held back; responses of
	// unknown length are flushed at once.
	flushInterval = 100 * time.Millisecond
)

// Options of a [Proxy].
type Options struct {
	// Log receives health changes, servers that cannot be reached and, at debug
	// level, failed requests. Nil discards.
	Log *slog.Logger
}

// Proxy holds what balancers share: upstream connections and buffers. It is safe
// for concurrent use.
type Proxy struct {
	log       *slog.Logger
	transport *http.Transport
	buffers   buffers
}

// New returns a proxy; its Close is to be called after that of its balancers.
func New(opts Options) *Proxy {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}
	return &Proxy{
		log: opts.Log,
		// No Proxy: upstreams are reached directly, whatever the environment says.
		transport: &http.Transport{
			DialContext:            dialer.DialContext,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: 1 << 20,
			DisableCompression:     true, // what the client accepts decides
			ForceAttemptHTTP2:      true,
		},
	}
}

// Close closes unused upstream connections.
func (p *Proxy) Close() { p.transport.CloseIdleConnections() }

type buffers struct{ pool sync.Pool }

var _ httputil.BufferPool = (*buffers)(nil)

// Get gives a buffer of bufferSize.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

// Put takes back what Get gave.
func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferSize]byte)(p)) }
