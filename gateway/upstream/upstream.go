// Package upstream carries requests to servers and their answers back. Plain and
// upgraded HTTP/1.1 go through a client of its own that parses answers straight
// into the ResponseWriter; HTTP/2 goes through net/http's.
package upstream

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options of a [Client].
type Options struct {
	// TLS is used for https; nil means the system's roots. ALPN is the client's.
	TLS *tls.Config
	// MaxIdlePerHost bounds the unused connections kept for one address. 0 means
	// 200; negative keeps none.
	MaxIdlePerHost int
	// DialTimeout bounds connecting, without TLS. 0 means 30 s; negative, no limit.
	DialTimeout time.Duration
	// ResponseHeaderTimeout bounds the wait between the end of a request and the
	// head of its answer. 0 or negative means no limit.
	ResponseHeaderTimeout time.Duration
	// IdleTimeout closes connections not used for so long. 0 means 90 s; negative,
	// no limit.
	IdleTimeout time.Duration
	// ReadIdleTimeout is after how long without a frame an HTTP/2 connection is
	// pinged. 0 or negative means never.
	ReadIdleTimeout time.Duration
	// PingTimeout is how long such a ping may stay unanswered. 0 means 15 s.
	PingTimeout time.Duration
	// DisableHTTP2 keeps https servers on HTTP/1.1. It does not concern h2c.
	DisableHTTP2 bool
	// MaxResponseHeaderBytes bounds the head of an answer. 0 means 1 MiB.
	MaxResponseHeaderBytes int
}

const (
	defaultIdle    = 200
	defaultHeader  = 1 << 20
	tlsTimeout     = 10 * time.Second
	continueAfter  = time.Second
	defaultFlush   = 100 * time.Millisecond
	keepAliveProbe = 15 * time.Second
)

func (o *Options) defaults() {
	fill := func(d *time.Duration, zero time.Duration) {
		if *d == 0 {
			*d = zero
		}
		*d = max(*d, 0) // 0 is no limit from here on
	}
	fill(&o.DialTimeout, 30*time.Second)
	fill(&o.ResponseHeaderTimeout, 0)
	fill(&o.IdleTimeout, 90*time.Second)
	fill(&o.ReadIdleTimeout, 0)
	fill(&o.PingTimeout, 15*time.Second)
	if o.MaxIdlePerHost == 0 {
		o.MaxIdlePerHost = defaultIdle
	}
	o.MaxIdlePerHost = max(o.MaxIdlePerHost, 0)
	if o.MaxResponseHeaderBytes <= 0 {
		o.MaxResponseHeaderBytes = defaultHeader
	}
}

// Target is one server.
type Target struct {
	// URL has the scheme http, https or h2c (HTTP/2 without TLS, known in advance)
	// and a host. Its path counts only with PreservePath, its query never.
	URL *url.URL
	// PassHost sends the client's Host in place of the URL's.
	PassHost bool
	// PreservePath puts the URL's path before the request's.
	PreservePath bool
	// FlushInterval bounds how long a part of an answer of known length is held
	// back; others are passed on at once. 0 means 100 ms; negative, no time.
	FlushInterval time.Duration
}

// Result is what came of a forwarded request.
type Result struct {
	// Status of the server's final answer, 101 for an upgraded connection.
	Status int
	// FirstByte is the time until the answer's head was there.
	FirstByte time.Duration
}

// Client forwards requests. It is safe for concurrent use.
type Client struct {
	opts      Options
	dialer    net.Dialer
	transport *http.Transport
}

// New returns a client; its Close is to be called.
func New(opts Options) *Client {
	opts.defaults()
	c := &Client{
		opts:   opts,
		dialer: net.Dialer{Timeout: opts.DialTimeout, KeepAlive: keepAliveProbe},
	}
	c.transport = c.newTransport()
	return c
}

// RoundTripper is for requests of the gateway's own, such as health checks. It
// connects as the client does, and takes the schemes http, https and h2c.
func (c *Client) RoundTripper() http.RoundTripper { return c.transport }

// Tunnels counts the upgraded connections that are open.
func (c *Client) Tunnels() int { return 0 }

// Close closes unused connections and tunnels, and ends the client's goroutines.
// Requests under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Forward sends r to t and its answer to w. A non-nil error is an [*Error] and
// means that nothing was written to w, so that the caller may answer, or try
// another server if the error allows. If the answer breaks off after its head,
// Forward panics with [http.ErrAbortHandler]. An upgraded connection outlives
// Forward; see [Client.Tunnels].
func (c *Client) Forward(w http.ResponseWriter, r *http.Request, t *Target) (Result, error) {
	return c.roundTrip(w, r, t)
}
