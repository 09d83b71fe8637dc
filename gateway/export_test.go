package gateway

import (
	"strings"
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

// MaxWaiting is how many handshakes may wait for a route.
const MaxWaiting = maxWaiting

// SetDrain replaces how long Close lets requests go on.
func (g *Gateway) SetDrain(d time.Duration) { g.entrypoints.DrainTimeout = d }

// SetWait replaces how long a handshake waits for a route. It is to be called
// before Start.
func (g *Gateway) SetWait(d time.Duration) { g.waiting.limit = d }

// Waiting is how many handshakes wait for a route.
func (g *Gateway) Waiting() int { return int(g.waiting.n.Load()) }

// HideLines shows the lines of a file as snippets do.
func HideLines(file, text string) string {
	h := newHider(file)
	var shown []string
	for line := range strings.SplitSeq(text, "\n") {
		shown = append(shown, h.line(line))
	}
	return strings.Join(shown, "\n")
}
