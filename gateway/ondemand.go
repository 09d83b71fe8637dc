package gateway

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"axion/gateway/hostname"
)

const (
	// routeTimeout is how long a handshake waits for a route to its host: a project
	// that was just started is routed some 50 ms after its link is known.
	routeTimeout = time.Second
	// maxPending bounds the handshakes that wait, since clients can ask for any name.
	maxPending = 64
)

// pendingHandshakes are those that wait for a route.
type pendingHandshakes struct {
	n       atomic.Int64
	timeout time.Duration // routeTimeout; tests that must not depend on it change it
}

// allowHost reports whether an HTTPS router asks for host. For a name below localhost
// whose front page no router answers it waits a moment for one that does.
func (g *Gateway) allowHost(ctx context.Context, host string) bool {
	t := g.table.Load()
	if t.HasHost(host) {
		return true
	}
	if !strings.HasSuffix(host, ".localhost") || t.ServesFrontPage(host) {
		return false
	}
	defer g.pending.n.Add(-1)
	if g.pending.n.Add(1) > maxPending {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, g.pending.timeout)
	defer cancel()
	return g.WaitHost(ctx, host) == nil
}

// WaitHost returns nil as soon as the table in force has an enabled HTTPS
// router that asks for host, or ctx's error.
func (g *Gateway) WaitHost(ctx context.Context, host string) error {
	host, err := hostname.Name(host)
	if err != nil {
		return fmt.Errorf("wait for a route: %w", err)
	}
	for {
		t := g.table.Load()
		if t.HasHost(host) {
			return nil
		}
		select {
		case <-t.Replaced():
		case <-g.ended:
			return fmt.Errorf("wait for a route to %s: the gateway has ended", host)
		case <-ctx.Done():
			return fmt.Errorf("wait for a route to %s: %w", host, ctx.Err())
		}
	}
}
