package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

const (
	headerTimeout  = 10 * time.Second // of the TLS handshake too
	idleTimeout    = 180 * time.Second
	bodyTimeout    = 60 * time.Second // without a byte of a request's body
	maxHeaderBytes = 256 << 10
	maxStreams     = 250      // of one HTTP/2 connection
	maxFrame       = 16 << 10 // bytes of an HTTP/2 frame: what every client must make do with
)

// front serves one entrypoint. It lives as long as its listener.
type front struct {
	entry    *entrypoint
	listener net.Listener
	mux      *tcp.Mux // the listener too
	crowd    *crowd
	split    *split // nil where the entrypoint does not speak both
	plain    *http.Server
	secure   *http.Server
	quic     *quicFront
	doors    []*door
	peers    atomic.Pointer[tcp.Peers] // that may speak the PROXY protocol
	stopping atomic.Bool
}

func (g *Gateway) newFront(e *entrypoint, l net.Listener) (*front, error) {
	f := &front{entry: e, crowd: newCrowd(connLimit())}
	peers, err := tcp.NewPeers(e.config.ProxyProtocol)
	if err != nil {
		return nil, err
	}
	f.peers.Store(peers)
	f.mux = g.newMux(e, crowdListener{l, f.crowd}, f.peers.Load)
	f.listener = f.mux
	if e.plain() {
		door := g.handler(e, false)
		f.plain, f.doors = g.newServer(e, door), append(f.doors, door)
	}
	if e.secure() {
		door := g.handler(e, true)
		f.secure, f.doors = g.newServer(e, door), append(f.doors, door)
		f.secure.TLSConfig = g.cert.TLSConfig()
		g.joinWrites(f.secure)
		f.offerQUIC(g, l, door)
	}
	if f.plain != nil && f.secure != nil {
		f.split = newSplit(f.listener)
	}
	return f, nil
}

func (g *Gateway) newServer(e *entrypoint, h http.Handler) *http.Server {
	streams, headers, idle := maxStreams, maxHeaderBytes, idleTimeout
	if c := e.config.HTTP2; c != nil {
		streams = cmp.Or(c.MaxConcurrentStreams, streams)
	}
	headers = cmp.Or(e.config.HTTP.MaxHeaderBytes, headers)
	if t := timeoutsOf(e.config); t.IdleTimeout != nil {
		idle = time.Duration(*t.IdleTimeout)
	}
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    headers,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
		ConnState:         track,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streams},
		Protocols:         &http.Protocols{},
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s
}

// joinWrites has the server's HTTP/2 connections send in batches.
func (g *Gateway) joinWrites(s *http.Server) {
	// Setting Protocols, as is advised, leaves no way to the connection.
	if err := http2.ConfigureServer(s, &http2.Server{MaxConcurrentStreams: uint32(s.HTTP2.MaxConcurrentStreams), MaxReadFrameSize: maxFrame, IdleTimeout: s.IdleTimeout}); err != nil { //nolint:staticcheck // see above
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

// offerQUIC serves HTTP/3 on websecure, and where the entrypoint asks for it.
func (f *front) offerQUIC(g *Gateway, l net.Listener, d *door) {
	c := f.entry.config.HTTP3
	if f.entry.name != webSecure && c == nil {
		return
	}
	q, err := newQUIC(l, d, g.cert.QUICConfig(), c)
	if err != nil {
		g.log.Warn("HTTP/3 is not served", "entrypoint", f.entry.name, "error", err)
		return
	}
	f.quic, d.alternative = q, q.alternative
}

func timeoutsOf(c *config.EntryPoint) config.RespondingTimeouts {
	if c.Transport == nil || c.Transport.RespondingTimeouts == nil {
		return config.RespondingTimeouts{}
	}
	return *c.Transport.RespondingTimeouts
}

// serve returns nil once the front was shut down, and an error where a side of it
// ended by itself.
func (f *front) serve() error {
	plain, secure := f.listener, f.listener
	var sides errgroup.Group
	side := func(run func() error) {
		sides.Go(func() error {
			err := run()
			if f.stopping.Load() {
				return nil
			}
			f.close()
			return err
		})
	}
	if f.split != nil {
		plain, secure = f.split.side(f.split.plain), f.split.side(f.split.secure)
		side(f.split.run)
	}
	if f.plain != nil {
		side(func() error { return f.plain.Serve(plain) })
	}
	if f.secure != nil {
		side(func() error { return f.secure.ServeTLS(batchListener{secure}, "", "") })
	}
	if f.quic != nil {
		side(f.quic.serve)
	}
	if err := sides.Wait(); err != nil {
		return fmt.Errorf("serve entrypoint %s: %w", f.entry.name, err)
	}
	return nil
}

// servers are those that the front has.
func (f *front) servers() []*http.Server {
	var list []*http.Server
	for _, s := range []*http.Server{f.plain, f.secure} {
		if s != nil {
			list = append(list, s)
		}
	}
	return list
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (f *front) shutdown(ctx context.Context) error {
	f.stopping.Store(true)
	_ = f.listener.Close() // first, so that no connection comes after the silent ones
	f.crowd.closeSilent()
	var sides errgroup.Group
	for _, s := range f.servers() {
		sides.Go(func() error {
			if err := s.Shutdown(ctx); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	if f.quic != nil {
		sides.Go(func() error { return f.quic.shutdown(ctx) })
	}
	err := sides.Wait()
	settle, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = f.mux.Shutdown(settle) // connections are cut off where they do not end
	return err
}

// close ends what shutdown left.
func (f *front) close() {
	for _, s := range f.servers() {
		_ = s.Close()
	}
	if f.quic != nil {
		f.quic.close()
	}
}
