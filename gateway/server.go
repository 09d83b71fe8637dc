package gateway

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

// servers are those of a front under one set of limits. When these change there are
// new ones, which take the connections from then on; the old end when their requests have.
type servers struct {
	plain, secure *http.Server // nil where the front does not speak it
	leases        []net.Listener
	stopping      atomic.Bool
}

// newServers makes those that f needs under e's limits.
func (g *Gateway) newServers(f *front, e *routing.EntryPoint) *servers {
	s := &servers{}
	if f.plain != nil {
		s.plain = g.newServer(e, f.plain)
	}
	if f.secure != nil {
		s.secure = g.newServer(e, f.secure)
		s.secure.TLSConfig = g.cert.TLSConfig(f.name)
		g.joinWrites(s.secure)
	}
	return s
}

// startServers has s take the connections of f, until it is shut down.
func (g *Gateway) startServers(f *front, s *servers) {
	plain, secure := listen.Interruptible(f.mux), listen.Interruptible(f.mux)
	if f.split != nil {
		plain, secure = f.split.side(f.split.plain), f.split.side(f.split.secure)
	}
	if s.plain != nil {
		l := listen.Lease(plain)
		s.leases = append(s.leases, l)
		g.runSide(f, &s.stopping, func() error { return s.plain.Serve(l) })
	}
	if s.secure != nil {
		l := listen.Lease(secure)
		s.leases = append(s.leases, l)
		g.runSide(f, &s.stopping, func() error { return s.secure.ServeTLS(batchListener{l}, "", "") })
	}
}

// yield stops accepting, for others to go on, and returns once every connection that
// was accepted has ended or ctx has. Unlike with shutdown a request that is about to
// come on one is answered.
func (s *servers) yield(ctx context.Context) {
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

func (s *servers) all() []*http.Server {
	var list []*http.Server
	for _, one := range []*http.Server{s.plain, s.secure} {
		if one != nil {
			list = append(list, one)
		}
	}
	return list
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (s *servers) shutdown(ctx context.Context) error {
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
func (s *servers) close() {
	for _, one := range s.all() {
		_ = one.Close()
	}
}

func (g *Gateway) newServer(e *routing.EntryPoint, h http.Handler) *http.Server {
	c := e.Config
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: inbound.HeadTimeout(c),
		IdleTimeout:       inbound.IdleTimeout(c),
		MaxHeaderBytes:    cmp.Or(c.HTTP.MaxHeaderBytes, inbound.DefaultMaxHeaderBytes),
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
		ConnContext:       inbound.WithConnection,
		ConnState:         track,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		Protocols:         &http.Protocols{},
	}
	if c.HTTP2 != nil {
		s.HTTP2.MaxConcurrentStreams = cmp.Or(max(c.HTTP2.MaxConcurrentStreams, 0), maxStreams)
		s.HTTP2.MaxDecoderHeaderTableSize = max(c.HTTP2.MaxDecoderHeaderTableSize, 0)
		s.HTTP2.MaxEncoderHeaderTableSize = max(c.HTTP2.MaxEncoderHeaderTableSize, 0)
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s
}

// joinWrites has the server's HTTP/2 connections send in batches.
//
//nolint:staticcheck // setting Protocols, as is advised, leaves no way to the connection
func (g *Gateway) joinWrites(s *http.Server) {
	c := &http2.Server{
		MaxConcurrentStreams:      uint32(s.HTTP2.MaxConcurrentStreams),
		MaxReadFrameSize:          maxFrame,
		IdleTimeout:               s.IdleTimeout,
		MaxDecoderHeaderTableSize: uint32(s.HTTP2.MaxDecoderHeaderTableSize),
		MaxEncoderHeaderTableSize: uint32(s.HTTP2.MaxEncoderHeaderTableSize),
	}
	if err := http2.ConfigureServer(s, c); err != nil {
		g.log.Warn("HTTP/2 goes without joined writes", "error", err)
		return
	}
	serve := s.TLSNextProto["h2"]
	s.TLSNextProto["h2"] = func(s *http.Server, c *tls.Conn, h http.Handler) {
		if b, ok := c.NetConn().(*batch); ok {
			b.start()
		}
		serve(s, c, h)
	}
}
