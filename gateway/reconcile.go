package gateway

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
	// retryPause is how often it is tried to open an entrypoint whose port was taken.
	retryPause = time.Second
	// goneTime is how long requests under way may go on at an entrypoint that is
	// removed, as in Traefik when it stops.
	goneTime = 10 * time.Second
)

// change is what a table changes of the places where the gateway is open.
type change struct {
	gateway *Gateway
	table   *routing.Table
	given   map[routing.Endpoint]net.Listener
	wanted  map[routing.Endpoint]*routing.EntryPoint

	listeners map[routing.Endpoint]net.Listener
	sockets   map[routing.Endpoint][]*net.UDPConn
	failures  []failure
	gone      []*front
	goneUDP   []*datagrams
	// shown are the entrypoints of the table by the place that they are open at, which
	// is an old one where the new is not to be had.
	shown map[routing.Endpoint]*routing.EntryPoint
}

// failure is an entrypoint that could not be opened.
type failure struct {
	entry *routing.EntryPoint
	err   error
}

// reconcile opens the places that t has and the gateway has not, and closes those that
// t has no more. What fails is a problem of t; where the entrypoint was open elsewhere
// it stays there. The listeners given come first. What is open shows t once adopt is
// called.
func (g *Gateway) reconcile(t *routing.Table, given map[routing.Endpoint]net.Listener) *change {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := &change{gateway: g, table: t, given: given, wanted: make(map[routing.Endpoint]*routing.EntryPoint), listeners: make(map[routing.Endpoint]net.Listener),
		sockets: make(map[routing.Endpoint][]*net.UDPConn), shown: make(map[routing.Endpoint]*routing.EntryPoint)}
	if g.closing {
		return c
	}
	c.want()
	c.release() // of changes before, whose sessions may go on at what is wanted now
	for p, e := range c.wanted {
		c.open(p, e)
	}
	c.part()
	c.release()
	for _, f := range c.again() {
		c.problem(f.entry, fmt.Sprintf("cannot be opened: %v", f.err), "end what uses the port, or give the entrypoint another")
	}
	for p, l := range c.listeners {
		g.fronts[p] = g.newFront(&view{t, c.wanted[p]}, l)
	}
	for p, s := range c.sockets {
		g.datagrams[p] = g.newDatagrams(&view{t, c.wanted[p]}, s)
	}
	for p, e := range c.wanted {
		if f := g.fronts[p]; f != nil {
			c.offer(f, e)
		}
		if g.fronts[p] != nil || g.datagrams[p] != nil {
			c.shown[p] = e
		}
	}
	return c
}

// offer opens HTTP/3 beside what is open. It is told where one asked for it in vain.
func (c *change) offer(f *front, e *routing.EntryPoint) {
	f.offerQUIC(c.gateway, e)
	if f.noQUIC != "" && e.Config.HTTP3 != nil {
		c.problem(e, "is open, but not for HTTP/3: "+f.noQUIC, "end what uses the UDP port of the same number, or remove http3")
	}
}

func (c *change) problem(e *routing.EntryPoint, what, hint string) {
	c.table.AddProblems(c.table.EntryPointProblem(e, what, hint))
}

// want lists the places of the table. Two entrypoints cannot have one.
func (c *change) want() {
	for _, e := range c.table.EntryPoints.All() {
		if p := e.Endpoint(); c.wanted[p] == nil { // else it has been told
			c.wanted[p] = e
		}
	}
}

// open opens a place, unless it is or has no address.
func (c *change) open(p routing.Endpoint, e *routing.EntryPoint) {
	g := c.gateway
	if g.fronts[p] != nil || g.datagrams[p] != nil {
		return
	}
	var err error
	if e.UDP {
		var sockets []*net.UDPConn
		if sockets, err = udp.Listen(g.placeOf(e)); err == nil {
			c.sockets[p] = sockets
		}
	} else {
		l := c.given[p]
		if l == nil && e.Address != "" {
			l, err = g.listenTo(e)
		}
		if l != nil {
			c.listeners[p] = l
		}
	}
	if err != nil {
		c.failures = append(c.failures, failure{e, err})
	}
}

// part tells the places that are gone from those that stay because the entrypoint
// cannot go where it is to.
func (c *change) part() {
	g := c.gateway
	for p, f := range g.fronts {
		if c.wanted[p] == nil && !c.stays(p, f.entry().Name, f.port.Addr().String()) {
			c.gone = append(c.gone, f)
			g.leaving[f] = struct{}{}
			delete(g.fronts, p)
		}
	}
	for p, d := range g.datagrams {
		if c.wanted[p] == nil && !c.stays(p, d.view.Load().entry.Name, d.Addr().String()) {
			c.goneUDP = append(c.goneUDP, d)
			g.leavingUDP[d] = struct{}{}
			delete(g.datagrams, p)
		}
	}
}

func (c *change) stays(p routing.Endpoint, name, address string) bool {
	i := slices.IndexFunc(c.failures, func(f failure) bool { return f.entry.Name == name && f.entry.UDP == p.UDP })
	if i < 0 {
		return false
	}
	f := c.failures[i]
	c.failures = slices.Delete(c.failures, i, i+1)
	c.shown[p] = f.entry
	c.problem(f.entry, fmt.Sprintf("stays at %s: %v", address, f.err), "end what uses the new port, or give the entrypoint another")
	c.gateway.wait(c.table, f.entry)
	return true
}

// release gives up the ports of places that are gone, now or before; requests under way
// go on. Those of HTTP/3 and UDP, which go on by the very port, are ended where another
// needs it.
func (c *change) release() {
	for f := range c.gateway.leaving {
		f.stopping.Store(true)
		_ = f.port.Close()
		if c.needs(f.port.Addr()) {
			if _, q := f.generations(); q != nil {
				q.close()
			}
		}
	}
	for d := range c.gateway.leavingUDP {
		if c.needs(d.Addr()) {
			_ = d.Close()
		}
	}
}

// needs reports whether UDP is to be spoken at a's port.
func (c *change) needs(a net.Addr) bool {
	_, port, _ := net.SplitHostPort(a.String())
	for _, e := range c.wanted {
		if _, p, _ := net.SplitHostPort(e.Address); p == port && (e.UDP || e.WantsHTTP3()) {
			return true
		}
	}
	return false
}

// again tries what failed once more, now that ports were given up.
func (c *change) again() []failure {
	failures := c.failures
	c.failures = nil
	for _, f := range failures {
		c.open(f.entry.Endpoint(), f.entry)
	}
	for _, f := range c.failures {
		c.gateway.wait(c.table, f.entry)
	}
	return c.failures
}

// adopt has what is open show the table, which is in force now, and ends what is gone.
func (g *Gateway) adopt(c *change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, e := range c.shown {
		v := &view{c.table, e}
		if f := g.fronts[p]; f != nil {
			g.follow(f, v)
			if g.started {
				g.start(f)
			}
		}
		if d := g.datagrams[p]; d != nil {
			d.follow(v)
			if g.started {
				g.startUDP(d)
			}
		}
	}
	for _, f := range c.gone {
		g.retire(graceOf(f.entry().Config, goneTime), f.shutdown, func() {
			f.close()
			g.mu.Lock()
			delete(g.leaving, f)
			g.mu.Unlock()
		})
	}
	for _, d := range c.goneUDP {
		g.retire(goneTime, d.Shutdown, func() {
			g.mu.Lock()
			delete(g.leavingUDP, d)
			g.mu.Unlock()
		})
	}
}

// retire ends in the background what is gone.
func (g *Gateway) retire(grace time.Duration, shutdown func(context.Context) error, end func()) {
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(g.ctx, grace)
		defer cancel()
		_ = shutdown(ctx)
		end()
	})
}

// wait has the table be put in force once more when e's port is free.
func (g *Gateway) wait(t *routing.Table, e *routing.EntryPoint) {
	g.running.Go(func() {
		tick := time.NewTicker(retryPause)
		defer tick.Stop()
		for {
			select {
			case <-t.Replaced():
				return
			case <-g.ctx.Done():
				return
			case <-tick.C:
			}
			if g.isFree(e) {
				g.applying.Lock()
				if g.table.Load() == t {
					g.put(t.Dynamic, nil)
				}
				g.applying.Unlock()
				return
			}
		}
	})
}

// isFree reports whether e could be opened.
func (g *Gateway) isFree(e *routing.EntryPoint) bool {
	if e.UDP {
		sockets, err := udp.Listen(g.placeOf(e))
		for _, s := range sockets {
			_ = s.Close()
		}
		return err == nil
	}
	l, err := g.listenTo(e)
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}
