package gateway

import (
	"fmt"
	"time"

	"axion/gateway/config"
	"axion/gateway/udp"
)

// udpTables builds the routers of datagrams.
func (b *builder) udpTables() {
	opts := udp.Options{EntryPoints: make(map[string]string), Old: b.old.udp}
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
		p := config.Problem{Severity: f.Severity, Service: r.Origin.Service, Message: f.Message, Hint: f.Hint,
			Label: "traefik.udp.routers." + local(f.Router) + "." + f.Field}
		p.File, p.Line = t.dynamic.Place(p.Label, r.Origin)
		list = append(list, p)
	}
	return list
}

// reconcileUDP opens and closes the entrypoints for datagrams. The caller holds mu.
func (g *Gateway) reconcileUDP(t *table) {
	for name, s := range g.datagrams {
		if e := t.entries[name]; e == nil || !e.udp {
			delete(g.datagrams, name)
			g.running.Go(func() { _ = s.Close() })
		}
	}
	for _, e := range t.entries.all() {
		if !e.udp || g.datagrams[e.name] != nil || g.closing {
			continue
		}
		sockets, err := udp.Listen(g.placeOf(e))
		if err != nil {
			t.problems = append(t.problems, t.dynamic.Static.Problem(e.config.Origin, config.Error,
				fmt.Sprintf("entrypoint %q cannot be opened: %v", e.name, err), "end what uses the port, or give the entrypoint another"))
			continue
		}
		opts := udp.ServerOptions{Table: func() *udp.Table { return g.table.Load().udp.Table(e.name) }, Log: g.log}
		if e.config.UDP != nil {
			opts.Timeout = time.Duration(e.config.UDP.Timeout)
		}
		s := udp.NewServer(sockets, opts)
		g.datagrams[e.name] = s
		if g.started {
			g.serveUDP(e.name, s)
		}
	}
}

func (g *Gateway) serveUDP(name string, s *udp.Server) {
	g.running.Go(func() {
		if err := s.Serve(); err != nil {
			g.end(fmt.Errorf("serve entrypoint %s: %w", name, err))
		}
	})
}
