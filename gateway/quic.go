package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/sync/errgroup"

	"axion/gateway/config"
	"axion/gateway/inbound"
	"axion/gateway/routing"
)

// quicFront serves HTTP/3 (RFC 9114) on the UDP port of the same number as an
// entrypoint's TCP port. It keeps its sockets when its limits change.
type quicFront struct {
	port       int
	started    bool // guarded by the front's mu
	sockets    []net.PacketConn
	transports []*quic.Transport
	handler    http.Handler
	secure     *tls.Config

	mu      sync.Mutex // guards what follows
	current *quicServer
	retired sync.WaitGroup
}

// quicServer serves HTTP/3 under one set of limits.
type quicServer struct {
	*http3.Server
	listeners []*quic.EarlyListener
	stopping  atomic.Bool
}

// newQUIC opens the port of l.
func newQUIC(l net.Listener, h http.Handler, secure *tls.Config, c *config.EntryPoint) (*quicFront, error) {
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("the listener has no port")
	}
	q := &quicFront{port: at.Port, handler: h, secure: http3.ConfigureTLSConfig(secure)}
	hosts := []string{at.IP.String()}
	if at.IP.IsLoopback() {
		hosts = []string{"127.0.0.1", "::1"}
	}
	for _, host := range hosts {
		socket, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(at.Port)))
		if err != nil && len(q.sockets) == 0 {
			return nil, fmt.Errorf("serve HTTP/3: %w", err)
		}
		if err == nil {
			q.sockets = append(q.sockets, socket)
			q.transports = append(q.transports, &quic.Transport{Conn: socket})
		}
	}
	s, err := q.listen(c)
	if err != nil {
		q.close()
		return nil, fmt.Errorf("serve HTTP/3: %w", err)
	}
	q.current = s
	return q, nil
}

// alternative is the Alt-Svc header (RFC 7838) that tells clients of HTTP/3.
func (q *quicFront) alternative(c *config.HTTP3) string {
	advertised := q.port
	if c != nil && c.AdvertisedPort > 0 {
		advertised = c.AdvertisedPort
	}
	return fmt.Sprintf(`h3=":%d"; ma=86400`, advertised)
}

// listen makes a server with c's limits. The one before must not listen any more.
func (q *quicFront) listen(c *config.EntryPoint) (*quicServer, error) {
	s := &quicServer{Server: &http3.Server{
		Handler: q.handler, MaxHeaderBytes: cmp.Or(c.HTTP.MaxHeaderBytes, inbound.DefaultMaxHeaderBytes), IdleTimeout: inbound.IdleTimeout(c),
	}}
	settings := &quic.Config{MaxIncomingStreams: maxStreams, MaxIdleTimeout: time.Minute, HandshakeIdleTimeout: inbound.HeadTimeout(c)}
	if c.HTTP2 != nil { // Traefik has no other setting for it
		settings.MaxIncomingStreams = int64(cmp.Or(max(c.HTTP2.MaxConcurrentStreams, 0), maxStreams))
	}
	for _, t := range q.transports {
		l, err := t.ListenEarly(q.secure, settings)
		if err != nil {
			s.close()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// startQUIC serves q's server in force. The caller holds f's mu.
func (g *Gateway) startQUIC(f *front, q *quicFront) {
	q.started = true
	s := q.current
	g.runSide(f, &s.stopping, func() error {
		var sides errgroup.Group
		for _, l := range s.listeners {
			sides.Go(func() error { return s.ServeListener(l) })
		}
		return sides.Wait()
	})
}

// renewQUIC has connections from now on be under e's limits.
func (g *Gateway) renewQUIC(f *front, q *quicFront, e *routing.EntryPoint) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.current
	old.unlisten()
	s, err := q.listen(e.Config)
	if err != nil {
		return err
	}
	q.current = s
	if f.started {
		g.startQUIC(f, q)
	}
	q.retired.Go(func() { _ = old.Shutdown(g.ctx) })
	return nil
}

// unlisten ends the taking of connections; those there are go on.
func (s *quicServer) unlisten() {
	s.stopping.Store(true)
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

func (s *quicServer) close() {
	s.unlisten()
	_ = s.Close()
}

func (q *quicFront) shutdown(ctx context.Context) error {
	q.mu.Lock()
	current := q.current
	q.mu.Unlock()
	current.unlisten()
	err := current.Shutdown(ctx)
	q.close()
	return err
}

func (q *quicFront) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current != nil {
		q.current.close()
	}
	for _, t := range q.transports {
		_ = t.Close()
	}
	for _, socket := range q.sockets {
		_ = socket.Close()
	}
	q.retired.Wait()
}
