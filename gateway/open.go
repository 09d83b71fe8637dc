package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/listen"
)

// above is what is added to a port that this user may not open: 80 becomes 8080.
const above = 8000

// reconcile opens the entrypoints that t has and the gateway has not, and tells
// which could not be opened. The listeners given come first. It returns what is
// to be closed once t is in force.
func (g *Gateway) reconcile(t *table, given map[string]net.Listener) (gone []*front) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reconcileUDP(t)
	for name, f := range g.fronts {
		if e := t.entries[name]; e == nil || e.name != name || e.address != f.entry.address {
			gone = append(gone, f)
			delete(g.fronts, name)
		}
	}
	for _, e := range t.entries.all() {
		if e.udp || g.closing {
			continue
		}
		if f := g.fronts[e.name]; f != nil {
			t.problems = append(t.problems, f.follow(e, t.dynamic.Static)...)
			continue
		}
		l := given[e.name]
		if l == nil && e.address != "" {
			var err error
			if l, err = g.listenTo(e); err != nil {
				severity := config.Error
				if e.config.Implicit {
					severity = config.Notice
				}
				t.problems = append(t.problems, t.dynamic.Static.Problem(e.config.Origin, severity,
					fmt.Sprintf("entrypoint %q cannot be opened: %v", e.name, err), "end what uses the port, or give the entrypoint another"))
				continue
			}
		}
		if l == nil {
			continue
		}
		f, err := g.newFront(e, l)
		if err != nil {
			_ = l.Close()
			t.problems = append(t.problems, t.dynamic.Static.Problem(e.config.Origin, config.Error, fmt.Sprintf("entrypoint %q: %v", e.name, err), mend(err)))
			continue
		}
		g.fronts[e.name] = f
		if g.started {
			g.serve(g.fronts[e.name])
		}
	}
	return gone
}

// listenTo opens e's port on this machine alone.
func (g *Gateway) listenTo(e *entrypoint) (net.Listener, error) {
	l, err := listen.Listen(g.placeOf(e))
	if _, denied := errors.AsType[*listen.Denied](err); !denied {
		return l, err
	}
	_, text, _ := net.SplitHostPort(e.address)
	port, _ := strconv.Atoi(text)
	l, err = listen.Listen("localhost:" + strconv.Itoa(port+above))
	if err == nil {
		g.log.Warn("entrypoint moved: this user may not open its port", "entrypoint", e.name, "port", port, "to", listen.Port(l))
	}
	return l, err
}

// placeOf is the address to listen on.
func (g *Gateway) placeOf(e *entrypoint) string {
	if g.freePorts {
		return "localhost:0"
	}
	return e.address
}

func (g *Gateway) serve(f *front) {
	g.log.Debug("entrypoint opened", "entrypoint", f.entry.name, "address", f.listener.Addr())
	g.running.Go(func() {
		if err := f.serve(); err != nil {
			g.end(err)
		}
	})
}

// retire ends the fronts of entrypoints that are gone.
func (g *Gateway) retire(gone []*front) {
	for _, f := range gone {
		g.running.Go(func() {
			ctx, cancel := context.WithTimeout(g.ctx, g.drain)
			defer cancel()
			_ = f.shutdown(ctx)
			f.close()
		})
	}
}

// EntryPoint is one open entrypoint.
type EntryPoint struct {
	Name    string   `json:"name"`
	Names   []string `json:"names"` // with its other names
	Address string   `json:"address"`
}

// EntryPoints lists the open entrypoints by name, for instance web.
func (g *Gateway) EntryPoints() []EntryPoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := []EntryPoint{}
	for _, e := range g.table.Load().entries.all() {
		if f := g.fronts[e.name]; f != nil {
			list = append(list, EntryPoint{Name: e.name, Names: e.names, Address: f.listener.Addr().String()})
		}
		if s := g.datagrams[e.name]; s != nil {
			list = append(list, EntryPoint{Name: e.name, Names: e.names, Address: s.Addr().String() + "/udp"})
		}
	}
	return list
}

// Entry gives the address where requests of a scheme, "http" or "https", are
// taken at a port; an empty port is the scheme's own. False means that there is
// no such place.
func (g *Gateway) Entry(scheme, port string) (address string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := map[string]string{"http": web, "https": webSecure}[scheme]
	for name, f := range g.fronts {
		server := f.plain
		if scheme == "https" {
			server = f.secure
		}
		address := f.listener.Addr().String()
		if server != nil && (port == "" && name == own || port != "" && strings.HasSuffix(address, ":"+port)) {
			return address, true
		}
	}
	return "", false
}
