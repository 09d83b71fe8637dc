package recovery_test

import (
	"context"
	"net"
	"sync"
)

// address is where the broker is now, whatever a client was sent.
type address struct {
	mu  sync.Mutex
	now string
}

func (a *address) set(now string) {
	a.mu.Lock()
	a.now = now
	a.mu.Unlock()
}

func (a *address) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	a.mu.Lock()
	now := a.now
	a.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, now)
}
