package gateway

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/rule"
	"axion/gateway/tcp"
)

// tcpTables builds the routers of raw connections.
func (b *builder) tcpTables() {
	opts := tcp.Options{EntryPoints: make(map[string]string), Old: b.raw().tcp, Log: b.gateway.log,
		Refuse:     func(c *config.TCPService, address string) error { return b.refuse(c.Origin, "tcp", address) },
		Control:    b.gateway.own.control,
		Begin:      b.gateway.opened,
		TLSOptions: func(name string) bool { return name == defaultOptions || b.dynamic.TLS.Options[name] != nil }}
	for name, e := range b.entries {
		if !e.udp {
			opts.EntryPoints[name] = e.name
		}
	}
	for _, e := range b.entries.defaults() {
		opts.Defaults = append(opts.Defaults, e.name)
	}
	b.tcp = tcp.Build(&b.dynamic.TCP, opts)
	for _, r := range b.tcpCertificates() {
		if parsed, err := rule.ParseTCP(b.dynamic.TCP.Routers[r.Name].Rule); err == nil {
			b.tcpRules = append(b.tcpRules, parsed)
		}
	}
}

// raw is the table whose services for raw connections go on: none of what is only looked
// at.
func (b *builder) raw() *table {
	if b.dry {
		return &table{}
	}
	return b.old
}

// tcpProblems are those of the routers of raw connections, with their places.
func (t *table) tcpProblems() []config.Problem {
	var list []config.Problem
	for _, f := range t.tcp.Findings() {
		r := t.dynamic.TCP.Routers[f.Router]
		if r == nil {
			continue
		}
		list = append(list, t.dynamic.Problem(f.Severity, r.Origin, "tcp.routers."+local(f.Router)+"."+f.Field, f.Message, f.Hint))
	}
	return list
}

// tcpUnreached tells of TCP routers with TLS whose hosts HTTPS routers take before them,
// as in Traefik.
func (t *table) tcpUnreached() []config.Problem {
	var list []config.Problem
	for _, r := range t.tcp.Routes() {
		if !r.Enabled || r.Config.TLS == nil {
			continue
		}
		for _, e := range r.EntryPoints {
			for _, host := range r.Hosts {
				if !t.index(e, true).asksFor(host) {
					continue
				}
				label := "traefik.tcp.routers." + local(r.Name) + ".rule"
				p := config.Problem{Severity: config.Warning, Service: r.Config.Origin.Service, Label: label,
					Message: fmt.Sprintf("on entrypoint %s an HTTPS router takes the connections for %q", e, host),
					Hint:    "give one of them another host or another entrypoint"}
				p.File, p.Line = t.dynamic.Place(p.Label, r.Config.Origin)
				list = append(list, p)
			}
		}
	}
	return list
}

// newMux leaves to HTTP the connections of an entrypoint that no TCP router takes.
func (g *Gateway) newMux(f *front, l net.Listener) *tcp.Mux {
	return tcp.NewMux(l, tcp.MuxOptions{
		Table:  func() *tcp.Table { v := f.view.Load(); return v.table.tcp.Table(v.entry.name) },
		Secure: func() bool { v := f.view.Load(); return v.table.index(v.entry.name, true).any() },
		TLS: func(_, options string) (*tls.Config, error) {
			if options == "" {
				options = defaultOptions
			}
			return g.cert.ConfigFor(options)
		},
		HTTPWants: func(host string) tcp.Claim {
			v := f.view.Load()
			return v.table.index(v.entry.name, true).claim(host)
		},
		ProxyProtocol: func() *tcp.Peers { return f.entry().peers },
		ACMEByPass:    func() bool { return f.entry().config.AllowACMEByPass },
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

// any reports whether there is a route.
func (x *index) any() bool { return len(x.hosts)+len(x.wild) > 0 || x.rest.takes() }

// claim is what HTTPS routers want with a host.
func (x *index) claim(host string) tcp.Claim {
	switch {
	case x.asksFor(host):
		return tcp.NamedHost
	case x.rest.takes():
		return tcp.AnyHost
	}
	return tcp.Unclaimed
}

// tcpCertificates are asked for the hosts of TCP routers that end TLS here.
func (t *table) tcpCertificates() []cert.Router {
	var list []cert.Router
	for _, r := range t.tcp.Routes() {
		if r.Enabled && r.Config.TLS != nil && !r.Config.TLS.Passthrough {
			list = append(list, cert.Router{Name: r.Name, Origin: r.Config.Origin, TLS: r.Config.TLS, Hosts: r.Hosts})
		}
	}
	return list
}

// tcpAsksFor reports whether a TCP router that ends TLS here asks for host: by name,
// wildcard or expression.
func (t *table) tcpAsksFor(host string) bool {
	for _, r := range t.tcpRules {
		if r.AsksForName() && r.Match(&rule.TCPMeta{ServerName: host}) {
			return true
		}
	}
	return false
}

// settleTime is how long the connections of TCP routers may go on when the gateway
// stops: they are not requests that end.
const settleTime = 100 * time.Millisecond
