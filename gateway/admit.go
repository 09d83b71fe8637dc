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

// admit reports whether host may have a certificate. For a name below localhost
// that has no route it waits a moment for one.
func (g *Gateway) admit(ctx context.Context, host string) bool {
	if g.table.Load().allows(host) {
		return true
	}
	if !strings.HasSuffix(host, ".localhost") {
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
