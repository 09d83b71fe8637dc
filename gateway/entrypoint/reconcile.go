package entrypoint

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"axion/gateway/routing"
	"axion/gateway/udp"
)

const (
	// retryInterval is how often it is tried to open an entrypoint whose port was taken.
	retryInterval = time.Second
	// removedGrace is how long requests under way may go on at an entrypoint that is
	// removed, as in Traefik when it stops.
	removedGrace = 10 * time.Second
)

// Change is what a table changes of the places where the gateway is open.
type Change struct {
	set    *Set
	table  *routing.Table
	given  map[routing.Endpoint]net.Listener
	wanted map[routing.Endpoint]*routing.EntryPoint

	listeners  map[routing.Endpoint]net.Listener
	sockets    map[routing.Endpoint][]*net.UDPConn
	failures   []failure
	removed    []*server
	removedUDP []*udpServer
	// shown are the entrypoints of the table by the place that they are open at, which
	// is an old one where the new is not to be had.
	shown map[routing.Endpoint]*routing.EntryPoint
}

// failure is an entrypoint that could not be opened.
type failure struct {
	entry *routing.EntryPoint
	err   error
}

// Reconcile opens the places that t has and the gateway has not, and closes those that
// t has no more. What fails is a problem of t; where the entrypoint was open elsewhere
// it stays there. The listeners given come first. What is open shows t once Show is
// called.
func (s *Set) Reconcile(t *routing.Table, given map[routing.Endpoint]net.Listener) *Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Change{set: s, table: t, given: given, wanted: make(map[routing.Endpoint]*routing.EntryPoint),
		listeners: make(map[routing.Endpoint]net.Listener),
		sockets:   make(map[routing.Endpoint][]*net.UDPConn), shown: make(map[routing.Endpoint]*routing.EntryPoint)}
	if s.closing {
		return c
	}
	c.want()
	c.releasePorts() // of changes before, whose sessions may go on at what is wanted now
	for p, e := range c.wanted {
		c.open(p, e)
	}
	c.removeUnwanted()
	c.releasePorts()
	for _, f := range c.retry() {
		c.problem(f.entry, fmt.Sprintf("cannot be opened: %v", f.err), "end what uses the port, or give the entrypoint another")
	}
	for p, l := range c.listeners {
		s.servers[p] = s.newServer(&target{t, c.wanted[p]}, l)
	}
	for p, sockets := range c.sockets {
		s.udpServers[p] = s.newUDPServer(&target{t, c.wanted[p]}, sockets)
	}
	for p, e := range c.wanted {
		if f := s.servers[p]; f != nil {
			c.enableHTTP3(f, e)
		}
		if s.servers[p] != nil || s.udpServers[p] != nil {
			c.shown[p] = e
		}
	}
	return c
}

// enableHTTP3 opens HTTP/3 beside what is open. It reports where one asked for it in vain.
func (c *Change) enableHTTP3(f *server, e *routing.EntryPoint) {
	f.enableHTTP3(e)
	if f.http3Error != "" && e.Config.HTTP3 != nil {
		c.problem(e, "is open, but not for HTTP/3: "+f.http3Error, "end what uses the UDP port of the same number, or remove http3")
	}
}

func (c *Change) problem(e *routing.EntryPoint, what, hint string) {
	c.table.AddProblems(c.table.EntryPointProblem(e, what, hint))
}

// want lists the places of the table. Two entrypoints cannot have one.
func (c *Change) want() {
	for _, e := range c.table.EntryPoints.All() {
		if p := e.Endpoint(); c.wanted[p] == nil { // else it has been reported
			c.wanted[p] = e
		}
	}
}

// open opens a place, unless it is or has no address.
func (c *Change) open(p routing.Endpoint, e *routing.EntryPoint) {
	s := c.set
	if s.servers[p] != nil || s.udpServers[p] != nil {
		return
	}
	var err error
	if e.UDP {
		var sockets []*net.UDPConn
		if sockets, err = udp.Listen(s.listenAddress(e)); err == nil {
			c.sockets[p] = sockets
		}
	} else {
		l := c.given[p]
		if l == nil && e.Address != "" {
			l, err = s.listenEntryPoint(e)
		}
		if l != nil {
			c.listeners[p] = l
		}
	}
	if err != nil {
		c.failures = append(c.failures, failure{e, err})
	}
}

// removeUnwanted distinguishes the places that are gone from those that stay because the entrypoint
// cannot go where it is to.
func (c *Change) removeUnwanted() {
	s := c.set
	for p, f := range s.servers {
		if c.wanted[p] == nil && !c.keepsOld(p, f.entry().Name, f.port.Addr().String()) {
			c.removed = append(c.removed, f)
			s.draining[f] = struct{}{}
			delete(s.servers, p)
		}
	}
	for p, d := range s.udpServers {
		if c.wanted[p] == nil && !c.keepsOld(p, d.entry().Name, d.Addr().String()) {
			c.removedUDP = append(c.removedUDP, d)
			s.drainingUDP[d] = struct{}{}
			delete(s.udpServers, p)
		}
	}
}

func (c *Change) keepsOld(p routing.Endpoint, name, address string) bool {
	i := slices.IndexFunc(c.failures, func(f failure) bool { return f.entry.Name == name && f.entry.UDP == p.UDP })
	if i < 0 {
		return false
	}
	f := c.failures[i]
	c.failures = slices.Delete(c.failures, i, i+1)
	c.shown[p] = f.entry
	c.problem(f.entry, fmt.Sprintf("stays at %s: %v", address, f.err), "end what uses the new port, or give the entrypoint another")
	c.set.retryWhenFree(c.table, f.entry)
	return true
}

// releasePorts gives up the ports of places that are gone, now or before; requests under way
// go on. Those of HTTP/3 and UDP, which go on by the very port, are ended where another
// needs it.
func (c *Change) releasePorts() {
	for f := range c.set.draining {
		f.stopping.Store(true)
		_ = f.port.Close()
		if c.needs(f.port.Addr()) {
			if _, q := f.generations(); q != nil {
				q.close()
			}
		}
	}
	for d := range c.set.drainingUDP {
		if c.needs(d.Addr()) {
			_ = d.Close()
		}
	}
}

// needs reports whether UDP is to be spoken at a's port.
func (c *Change) needs(a net.Addr) bool {
	_, port, _ := net.SplitHostPort(a.String())
	for _, e := range c.wanted {
		if _, p, _ := net.SplitHostPort(e.Address); p == port && (e.UDP || e.WantsHTTP3()) {
			return true
		}
	}
	return false
}

// retry tries what failed once more, now that ports were given up.
func (c *Change) retry() []failure {
	failures := c.failures
	c.failures = nil
	for _, f := range failures {
		c.open(f.entry.Endpoint(), f.entry)
	}
	for _, f := range c.failures {
		c.set.retryWhenFree(c.table, f.entry)
	}
	return c.failures
}

// Show has what is open show the table, which is in force now, and ends what is gone.
func (s *Set) Show(c *Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, e := range c.shown {
		v := &target{c.table, e}
		if f := s.servers[p]; f != nil {
			f.update(v)
			if s.started {
				f.start()
			}
		}
		if d := s.udpServers[p]; d != nil {
			d.update(v)
			if s.started {
				d.start()
			}
		}
	}
	for _, f := range c.removed {
		s.shutdownRemoved(graceOf(f.entry().Config, removedGrace), f.shutdown, func() {
			f.close()
			s.mu.Lock()
			delete(s.draining, f)
			s.mu.Unlock()
		})
	}
	for _, d := range c.removedUDP {
		s.shutdownRemoved(removedGrace, d.Shutdown, func() {
			s.mu.Lock()
			delete(s.drainingUDP, d)
			s.mu.Unlock()
		})
	}
}

// shutdownRemoved ends in the background what is gone.
func (s *Set) shutdownRemoved(grace time.Duration, shutdown func(context.Context) error, end func()) {
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(s.Context, grace)
		defer cancel()
		_ = shutdown(ctx)
		end()
	})
}

// retryWhenFree has the table be put in force once more when e's port is free.
func (s *Set) retryWhenFree(t *routing.Table, e *routing.EntryPoint) {
	s.running.Go(func() {
		tick := time.NewTicker(retryInterval)
		defer tick.Stop()
		for {
			select {
			case <-t.Replaced():
				return
			case <-s.Context.Done():
				return
			case <-tick.C:
			}
			if s.isFree(e) {
				s.Reapply(t)
				return
			}
		}
	})
}

// isFree reports whether e could be opened.
func (s *Set) isFree(e *routing.EntryPoint) bool {
	if e.UDP {
		sockets, err := udp.Listen(s.listenAddress(e))
		for _, socket := range sockets {
			_ = socket.Close()
		}
		return err == nil
	}
	l, err := s.listenEntryPoint(e)
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}
