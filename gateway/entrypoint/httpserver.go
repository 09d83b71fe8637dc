package entrypoint

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"

	"axion/gateway/inbound"
	"axion/gateway/listen"
	"axion/gateway/routing"
)

const (
	maxStreams = 250      // of one HTTP/2 connection
	maxFrame   = 16 << 10 // bytes of an HTTP/2 frame: what every client must make do with
)

// httpServers are those of a server under one set of limits. When these change there are
// new ones, which take the connections from then on; the old end when their requests have.
type httpServers struct {
	plain, secure *http.Server // nil where the server does not speak it
	leases        []net.Listener
	stopping      atomic.Bool
}

// newServers makes those that f needs under e's limits.
func (f *server) newServers(e *routing.EntryPoint) *httpServers {
	s := &httpServers{}
	if f.plain != nil {
		s.plain = f.set.newHTTPServer(e, f.plain)
	}
	if f.secure != nil {
		s.secure = f.set.newHTTPServer(e, f.secure)
		s.secure.TLSConfig = f.set.Cert.TLSConfig(f.name)
		coalesceHTTP2Writes(s.secure, f.set.Log)
	}
	return s
}

// startServers has s take the connections of f, until it is shut down.
func (f *server) startServers(s *httpServers) {
	plain, secure := listen.Interruptible(f.mux), listen.Interruptible(f.mux)
	if f.splitter != nil {
		plain, secure = f.splitter.listener(f.splitter.plain), f.splitter.listener(f.splitter.secure)
	}
	if s.plain != nil {
		l := listen.Lease(plain)
		s.leases = append(s.leases, l)
		f.serve(&s.stopping, func() error { return s.plain.Serve(l) })
	}
	if s.secure != nil {
		l := listen.Lease(secure)
		s.leases = append(s.leases, l)
		f.serve(&s.stopping, func() error { return s.secure.ServeTLS(coalescingListener{l}, "", "") })
	}
}

// retire stops accepting, for others to go on, and returns once every connection that
// was accepted has ended or ctx has. Unlike with shutdown a request that is about to
// come on one is answered.
func (s *httpServers) retire(ctx context.Context) {
	s.stopping.Store(true)
	for _, l := range s.leases {
		_ = l.Close()
	}
	var head time.Duration
	for _, one := range s.all() {
		one.SetKeepAlivesEnabled(false) // also ends what waits for no request
		head = one.ReadHeaderTimeout
	}
	timer := time.NewTimer(head)
	defer timer.Stop()
	select {
	case <-timer.C: // every first request has come, or its connection is closed
	case <-ctx.Done():
	}
	if s.shutdown(ctx) != nil {
		s.close()
	}
}

func (s *httpServers) all() []*http.Server {
	var list []*http.Server
	for _, one := range []*http.Server{s.plain, s.secure} {
		if one != nil {
			list = append(list, one)
		}
	}
	return list
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (s *httpServers) shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	var sides errgroup.Group
	for _, one := range s.all() {
		sides.Go(func() error {
			if err := one.Shutdown(ctx); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	return sides.Wait()
}

// close ends what shutdown left.
func (s *httpServers) close() {
	for _, one := range s.all() {
		_ = one.Close()
	}
}

func (s *Set) newHTTPServer(e *routing.EntryPoint, h http.Handler) *http.Server {
	c := e.Config
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: inbound.HeadTimeout(c),
		IdleTimeout:       inbound.IdleTimeout(c),
		MaxHeaderBytes:    cmp.Or(c.HTTP.MaxHeaderBytes, inbound.DefaultMaxHeaderBytes),
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return s.Context },
		ConnContext:       inbound.WithConnection,
		ConnState:         trackState,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		Protocols:         &http.Protocols{},
	}
	if c.HTTP2 != nil {
		server.HTTP2.MaxConcurrentStreams = cmp.Or(max(c.HTTP2.MaxConcurrentStreams, 0), maxStreams)
		server.HTTP2.MaxDecoderHeaderTableSize = max(c.HTTP2.MaxDecoderHeaderTableSize, 0)
		server.HTTP2.MaxEncoderHeaderTableSize = max(c.HTTP2.MaxEncoderHeaderTableSize, 0)
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// coalesceHTTP2Writes has the server's HTTP/2 connections send in batches.
//
//nolint:staticcheck // setting Protocols, as is advised, leaves no way to the connection
func coalesceHTTP2Writes(s *http.Server, log *slog.Logger) {
	c := &http2.Server{
		MaxConcurrentStreams:      uint32(s.HTTP2.MaxConcurrentStreams),
		MaxReadFrameSize:          maxFrame,
		IdleTimeout:               s.IdleTimeout,
		MaxDecoderHeaderTableSize: uint32(s.HTTP2.MaxDecoderHeaderTableSize),
		MaxEncoderHeaderTableSize: uint32(s.HTTP2.MaxEncoderHeaderTableSize),
	}
	if err := http2.ConfigureServer(s, c); err != nil {
		log.Warn("HTTP/2 goes without joined writes", "error", err)
		return
	}
	serve := s.TLSNextProto["h2"]
	s.TLSNextProto["h2"] = func(s *http.Server, c *tls.Conn, h http.Handler) {
		if b, ok := c.NetConn().(*coalescingConn); ok {
			b.start()
		}
		serve(s, c, h)
	}
}
