package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/sync/errgroup"

	"axion/gateway/config"
)

// quicFront serves HTTP/3 (RFC 9114) on the UDP port of the same number as an
// entrypoint's TCP port.
type quicFront struct {
	server  *http3.Server
	sockets []net.PacketConn
	// alternative is the Alt-Svc header (RFC 7838) that tells clients of it.
	alternative string
}

// newQUIC opens the port. That it is taken need not stop the entrypoint: HTTP/3 is
// an offer.
func newQUIC(l net.Listener, h http.Handler, secure *tls.Config, c *config.HTTP3) (*quicFront, error) {
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("the listener has no port")
	}
	advertised := tcp.Port
	if c != nil && c.AdvertisedPort > 0 {
		advertised = c.AdvertisedPort
	}
	q := &quicFront{alternative: fmt.Sprintf(`h3=":%d"; ma=86400`, advertised)}
	hosts := []string{tcp.IP.String()}
	if tcp.IP.IsLoopback() {
		hosts = []string{"127.0.0.1", "::1"}
	}
	for _, host := range hosts {
		socket, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(tcp.Port)))
		if err != nil && len(q.sockets) == 0 {
			return nil, fmt.Errorf("serve HTTP/3: %w", err)
		}
		if err == nil {
			q.sockets = append(q.sockets, socket)
		}
	}
	q.server = &http3.Server{
		Handler: h, TLSConfig: secure, MaxHeaderBytes: maxHeaderBytes, IdleTimeout: idleTimeout,
		QUICConfig: &quic.Config{MaxIncomingStreams: maxStreams, MaxIdleTimeout: time.Minute, HandshakeIdleTimeout: headerTimeout},
	}
	return q, nil
}

// serve returns once the server is closed.
func (q *quicFront) serve() error {
	var sides errgroup.Group
	for _, socket := range q.sockets {
		sides.Go(func() error { return q.server.Serve(socket) })
	}
	return sides.Wait()
}

func (q *quicFront) shutdown(ctx context.Context) error {
	err := q.server.Shutdown(ctx)
	q.close()
	return err
}

func (q *quicFront) close() {
	_ = q.server.Close()
	for _, socket := range q.sockets {
		_ = socket.Close()
	}
}
