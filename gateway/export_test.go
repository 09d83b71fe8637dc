package gateway

import (
	"strings"
	"time"
)

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
