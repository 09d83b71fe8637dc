package gateway

import (
	"fmt"
	"net"
	"sync/atomic"

	"axion/gateway/udp"
)

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
		Table:   func() *udp.Table { v := d.view.Load(); return v.table.UDP.Table(v.entry.Name) },
		Control: g.own.control, Log: g.log, Timeout: v.entry.SessionTimeout(),
	})
	return d
}

// follow has d show v, to sessions from now on.
func (d *datagrams) follow(v *view) {
	d.view.Store(v)
	d.SetTimeout(v.entry.SessionTimeout())
}

// startUDP serves d, unless that was done. The caller holds mu.
func (g *Gateway) startUDP(d *datagrams) {
	if d.started {
		return
	}
	d.started = true
	g.running.Go(func() {
		if err := d.Serve(); err != nil {
			g.end(fmt.Errorf("serve entrypoint %s: %w", d.view.Load().entry.Name, err))
		}
	})
}
