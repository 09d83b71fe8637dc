// Package proxy carries requests to upstream servers: it balances over those
// that are healthy, forwards bodies, trailers and upgraded connections, and
// answers for servers that cannot.
package proxy

import (
	"log/slog"
	"net"
	"net/http/httputil"
	"sync"
	"syscall"
	"time"

	"axion/gateway/supervision"
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
	// Control is that of the dialers of all servers, see [net.Dialer]. An error that
	// is selfaddr.ErrOwn is answered with 508. Nil means none.
	Control func(network, address string, c syscall.RawConn) error
	// Check looks at each new connection to a server before anything is sent, see
	// [dockerhost.Dialer]. Nil means none.
	Check func(net.Conn) error
	// Log receives health changes, servers that cannot be reached and, at debug
	// level, failed requests. Nil discards.
	Log *slog.Logger
	// Dry makes services that are only looked at: their servers are not checked.
	Dry bool
	// Upstreams is what is known of the servers whose processes the stack supervises. Nil:
	// there are none.
	Upstreams *supervision.Set
	// Begin is closed once servers may be checked. Nil: they may be at once.
	Begin <-chan struct{}
}

// Proxy holds what balancers share. It is safe for concurrent use.
type Proxy struct {
	log     *slog.Logger
	dry     bool
	begin   <-chan struct{}
	control func(network, address string, c syscall.RawConn) error
	check   func(net.Conn) error
	buffers buffers
	// upstreams are never nil.
	upstreams *supervision.Set
}

// New returns a proxy.
func New(opts Options) *Proxy {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Upstreams == nil {
		opts.Upstreams = supervision.New()
	}
	return &Proxy{log: opts.Log, control: opts.Control, check: opts.Check, dry: opts.Dry, begin: opts.Begin, upstreams: opts.Upstreams}
}

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
