package gateway

import (
	"crypto/tls"
	"net"
	"time"

	"axion/gateway/routing"
	"axion/gateway/tcp"
)

// settleTime is how long the connections of TCP routers may go on when the gateway
// stops: they are not requests that end.
const settleTime = 100 * time.Millisecond

// newMux leaves to HTTP the connections of an entrypoint that no TCP router takes.
func (g *Gateway) newMux(f *front, l net.Listener) *tcp.Mux {
	return tcp.NewMux(l, tcp.MuxOptions{
		Table:  func() *tcp.Table { v := f.view.Load(); return v.table.TCP.Table(v.entry.Name) },
		Secure: func() bool { v := f.view.Load(); return v.table.Index(v.entry.Name, true).HasRoutes() },
		TLS: func(_, options string) (*tls.Config, error) {
			if options == "" {
				options = routing.DefaultTLSOptions
			}
			return g.cert.ConfigFor(options)
		},
		HTTPWants: func(host string) tcp.Claim {
			v := f.view.Load()
			return v.table.Index(v.entry.Name, true).HostClaim(host)
		},
		ProxyProtocol: func() *tcp.Peers { return f.entry().Peers },
		ACMEByPass:    func() bool { return f.entry().Config.AllowACMEByPass },
		PeekTimeout:   f.headTimeout,
		Taken:         takenByTCP,
		Log:           g.log,
	})
}

// takenByTCP keeps a connection from making room for others: it is not idle.
func takenByTCP(c net.Conn) {
	if g, ok := c.(*guest); ok {
		g.since.Store(0)
	}
}
