package gateway

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"axion/gateway/config"
	"axion/gateway/udp"
)

// udpTables builds the routers of datagrams.
func (b *builder) udpTables() {
	opts := udp.Options{EntryPoints: make(map[string]string), Old: b.raw().udp,
		Refuse: func(c *config.UDPService, address string) error { return b.refuse(c.Origin, "udp", address) }}
	for name, e := range b.entries {
		if e.udp {
			opts.EntryPoints[name] = e.name
		}
	}
	for _, e := range b.entries.all() {
		if e.udp {
			opts.Defaults = append(opts.Defaults, e.name)
		}
	}
	b.udp = udp.Build(&b.dynamic.UDP, opts)
}

// udpProblems are those of the routers of datagrams, with their places.
func (t *table) udpProblems() []config.Problem {
	var list []config.Problem
	for _, f := range t.udp.Findings() {
		r := t.dynamic.UDP.Routers[f.Router]
		if r == nil {
			continue
		}
		list = append(list, t.dynamic.Problem(f.Severity, r.Origin, "udp.routers."+local(f.Router)+"."+f.Field, f.Message, f.Hint))
	}
	return list
}

// datagrams serves one place for UDP.
type datagrams struct {
	*udp.Server
	view    atomic.Pointer[view]
	started bool // guarded by the gateway's mu
}

// newDatagrams takes the sockets over.
func (g *Gateway) newDatagrams(v *view, sockets []*net.UDPConn) *datagrams {
	d := &datagrams{}
	d.view.Store(v)
	d.Server = udp.NewServer(sockets, udp.ServerOptions{
		Table:   func() *udp.Table { v := d.view.Load(); return v.table.udp.Table(v.entry.name) },
		Control: g.own.control, Log: g.log, Timeout: v.entry.sessionTimeout(),
	})
	return d
}

// sessionTimeout is how long sessions last in which nothing is said; 0 means 3s.
func (e *entrypoint) sessionTimeout() time.Duration {
	if e.config.UDP == nil {
		return 0
	}
	return time.Duration(e.config.UDP.Timeout)
}

// follow has d show v, to sessions from now on.
func (d *datagrams) follow(v *view) {
	d.view.Store(v)
	d.SetTimeout(v.entry.sessionTimeout())
}

// startUDP serves d, unless that was done. The caller holds mu.
func (g *Gateway) startUDP(d *datagrams) {
	if d.started {
		return
	}
	d.started = true
	g.running.Go(func() {
		if err := d.Serve(); err != nil {
			g.end(fmt.Errorf("serve entrypoint %s: %w", d.view.Load().entry.name, err))
		}
	})
}
