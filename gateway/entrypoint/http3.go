package entrypoint

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

// http3Server serves HTTP/3 (RFC 9114) on the UDP port of the same number as an
// entrypoint's TCP port. It keeps its sockets when its limits change.
type http3Server struct {
	port       int
	started    bool // guarded by the server's mu
	sockets    []net.PacketConn
	transports []*quic.Transport
	handler    http.Handler
	secure     *tls.Config

	mu      sync.Mutex // guards what follows
	current *http3Generation
	retired sync.WaitGroup
}

// http3Generation serves HTTP/3 under one set of limits.
type http3Generation struct {
	*http3.Server
	listeners []*quic.EarlyListener
	stopping  atomic.Bool
}

// newHTTP3 opens the port of l.
func newHTTP3(l net.Listener, h http.Handler, secure *tls.Config, c *config.EntryPoint) (*http3Server, error) {
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("the listener has no port")
	}
	q := &http3Server{port: at.Port, handler: h, secure: http3.ConfigureTLSConfig(secure)}
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

// altSvc is the Alt-Svc header (RFC 7838) that announces HTTP/3 to clients.
func (q *http3Server) altSvc(c *config.HTTP3) string {
	advertised := q.port
	if c != nil && c.AdvertisedPort > 0 {
		advertised = c.AdvertisedPort
	}
	return fmt.Sprintf(`h3=":%d"; ma=86400`, advertised)
}

// listen makes a server with c's limits. The one before must not listen any more.
func (q *http3Server) listen(c *config.EntryPoint) (*http3Generation, error) {
	s := &http3Generation{Server: &http3.Server{
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

// startHTTP3 serves q's server in force. The caller holds f's mu.
func (f *server) startHTTP3(q *http3Server) {
	q.started = true
	s := q.current
	f.serve(&s.stopping, func() error {
		var sides errgroup.Group
		for _, l := range s.listeners {
			sides.Go(func() error { return s.ServeListener(l) })
		}
		return sides.Wait()
	})
}

// renewHTTP3 has connections from now on be under e's limits.
func (f *server) renewHTTP3(q *http3Server, e *routing.EntryPoint) error {
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
		f.startHTTP3(q)
	}
	q.retired.Go(func() { _ = old.Shutdown(f.set.Context) })
	return nil
}

// unlisten ends the taking of connections; those there are go on.
func (s *http3Generation) unlisten() {
	s.stopping.Store(true)
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

func (s *http3Generation) close() {
	s.unlisten()
	_ = s.Close()
}

func (q *http3Server) shutdown(ctx context.Context) error {
	q.mu.Lock()
	current := q.current
	q.mu.Unlock()
	current.unlisten()
	err := current.Shutdown(ctx)
	q.close()
	return err
}

func (q *http3Server) close() {
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
