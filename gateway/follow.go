package gateway

import (
	"reflect"
	"slices"
	"time"

	"axion/gateway/config"
	"axion/gateway/inbound"
	"axion/gateway/routing"
)

// follow has f show v: to requests from now on, and where limits changed that a server
// keeps, to connections from now on. The caller holds the gateway's mu.
func (g *Gateway) follow(f *front, v *view) {
	was := f.view.Swap(v).entry.Config
	f.mu.Lock()
	defer f.mu.Unlock()
	renew := !reflect.DeepEqual(limitsOf(was), limitsOf(v.entry.Config))
	if renew {
		g.renew(f, v.entry)
	}
	g.followQUIC(f, v.entry, renew)
	f.showDoors(v)
}

// renew gives f servers with e's limits. The caller holds f's mu.
func (g *Gateway) renew(f *front, e *routing.EntryPoint) {
	old := f.current
	f.current = g.newServers(f, e)
	if !f.started {
		return
	}
	g.startServers(f, f.current)
	f.retired = append(f.retired, old)
	g.running.Go(func() {
		old.yield(g.ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.retired = slices.DeleteFunc(f.retired, func(s *servers) bool { return s == old })
	})
}

// followQUIC serves HTTP/3 where that was opened, ends it, or has it go on with e's
// limits. The caller holds f's mu.
func (g *Gateway) followQUIC(f *front, e *routing.EntryPoint, renew bool) {
	switch q := f.quic; {
	case q == nil:
	case !q.started:
		if f.started {
			g.startQUIC(f, q)
		}
	case !e.WantsHTTP3():
		f.quic = nil
		g.running.Go(func() { _ = q.shutdown(g.ctx) })
	case renew:
		if err := g.renewQUIC(f, q, e); err != nil {
			g.log.Warn("HTTP/3 goes on with its old limits", "entrypoint", e.Name, "error", err)
		}
	}
}

// limitsOf are the settings that a server keeps.
func limitsOf(c *config.EntryPoint) []any {
	return []any{inbound.HeadTimeout(c), inbound.IdleTimeout(c), c.HTTP.MaxHeaderBytes, c.HTTP2}
}

// graceOf is how long requests under way may go on where the entrypoint closes.
func graceOf(c *config.EntryPoint, unset time.Duration) time.Duration {
	if c.Transport != nil && c.Transport.LifeCycle != nil && c.Transport.LifeCycle.GraceTimeOut != nil {
		return max(time.Duration(*c.Transport.LifeCycle.GraceTimeOut), 0)
	}
	return unset
}
