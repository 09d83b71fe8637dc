package gateway

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// waitTime is how long a handshake waits for a route to its host: a project
	// that was just started is routed some 50 ms after its link is known.
	waitTime = time.Second
	// maxWaiting bounds the handshakes that wait, since any name can be asked for.
	maxWaiting = 64
)

// waiting counts the handshakes that wait for a route.
type waiting struct {
	n     atomic.Int64
	limit time.Duration // waitTime; tests that must not depend on it change it
}

// admit reports whether an HTTPS router asks for host. For a name below localhost
// whose front page no router takes it waits a moment for one that does.
func (g *Gateway) admit(ctx context.Context, host string) bool {
	t := g.table.Load()
	if t.HasHost(host) {
		return true
	}
	if !strings.HasSuffix(host, ".localhost") || t.ServesFrontPage(host) {
		return false
	}
	defer g.waiting.n.Add(-1)
	if g.waiting.n.Add(1) > maxWaiting {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, g.waiting.limit)
	defer cancel()
	return g.WaitHost(ctx, host) == nil
}
