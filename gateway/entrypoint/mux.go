package entrypoint

import (
	"crypto/tls"
	"net"
	"time"

	"axion/gateway/routing"
	"axion/gateway/tcp"
)

// tcpGrace is how long the connections of TCP routers may go on when the gateway
// stops: they are not requests that end.
const tcpGrace = 100 * time.Millisecond

// newMux leaves to HTTP the connections of an entrypoint that no TCP router takes.
func (f *server) newMux(l net.Listener) *tcp.Mux {
	return tcp.NewMux(l, tcp.MuxOptions{
		Table:  func() *tcp.Table { v := f.target.Load(); return v.table.TCP.Table(v.entry.Name) },
		Secure: func() bool { v := f.target.Load(); return v.table.Index(v.entry.Name, true).HasRoutes() },
		TLS: func(_, options string) (*tls.Config, error) {
			if options == "" {
				options = routing.DefaultTLSOptions
			}
			return f.set.Cert.ConfigFor(options)
		},
		HTTPWants: func(host string) tcp.HostPriority {
			v := f.target.Load()
			return v.table.Index(v.entry.Name, true).HostClaim(host)
		},
		ProxyProtocol: func() *tcp.Peers { return f.entry().Peers },
		ACMEByPass:    func() bool { return f.entry().Config.AllowACMEByPass },
		PeekTimeout:   f.headTimeout,
		Taken:         markBusy,
		Log:           f.set.Log,
	})
}

// markBusy keeps a connection from making room for others: it is not idle.
func markBusy(c net.Conn) {
	if g, ok := c.(*limitedConn); ok {
		g.idleSince.Store(0)
	}
}
