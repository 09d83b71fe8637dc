package entrypoint

import (
	"fmt"
	"net"
	"sync/atomic"

	"axion/gateway/routing"
	"axion/gateway/udp"
)

// udpServer serves one place for UDP.
type udpServer struct {
	set *Set
	*udp.Server
	target  atomic.Pointer[target]
	started bool // guarded by the set's mu
}

// newUDPServer takes the sockets over.
func (s *Set) newUDPServer(v *target, sockets []*net.UDPConn) *udpServer {
	d := &udpServer{set: s}
	d.target.Store(v)
	d.Server = udp.NewServer(sockets, udp.ServerOptions{
		Table:   func() *udp.Table { v := d.target.Load(); return v.table.UDP.Table(v.entry.Name) },
		Control: s.Control, Log: s.Log, Timeout: v.entry.SessionTimeout(),
	})
	return d
}

// update has d show v, to sessions from now on.
func (d *udpServer) update(v *target) {
	d.target.Store(v)
	d.SetTimeout(v.entry.SessionTimeout())
}

// entry is the entrypoint that is there now.
func (d *udpServer) entry() *routing.EntryPoint { return d.target.Load().entry }

// start serves d, unless that was done. The caller holds the set's mu.
func (d *udpServer) start() {
	if d.started {
		return
	}
	d.started = true
	d.set.running.Go(func() {
		if err := d.Serve(); err != nil {
			d.set.Fail(fmt.Errorf("serve entrypoint %s: %w", d.entry().Name, err))
		}
	})
}
