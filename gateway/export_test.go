package gateway

import (
	"time"

	"axion/gateway/proxy"
)

// WrapService replaces a service of the table in force, as others are made of it later.
func (g *Gateway) WrapService(name string, wrap func(proxy.Service) proxy.Service) {
	g.applying.Lock()
	defer g.applying.Unlock()
	s := g.table.Load().Services[name]
	s.Service = wrap(s.Service)
}

// MaxPending is how many handshakes may wait for a route.
const MaxPending = maxPending

// SetDrain replaces how long Close lets requests go on.
func (g *Gateway) SetDrain(d time.Duration) { g.entrypoints.DrainTimeout = d }

// SetWait replaces how long a handshake waits for a route. It is to be called
// before Start.
func (g *Gateway) SetWait(d time.Duration) { g.pending.timeout = d }

// Waiting is how many handshakes wait for a route.
func (g *Gateway) Waiting() int { return int(g.pending.n.Load()) }

// Held is how many requests wait for a compose service.
func (g *Gateway) Held(service string) int { return g.upstreams.Held(service) }
