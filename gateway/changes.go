package gateway

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// changes tells subscribers, from a goroutine of its own, that something changed.
type changes struct {
	pending chan struct{} // holds a token while a change is untold

	mu          sync.Mutex
	subscribers map[*func()]struct{}
}

func newChanges() changes {
	return changes{pending: make(chan struct{}, 1), subscribers: make(map[*func()]struct{})}
}

// tell never blocks.
func (c *changes) tell() {
	select {
	case c.pending <- struct{}{}:
	default:
	}
}

func (c *changes) subscribe(notify func()) (cancel func()) {
	key := &notify
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers[key] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subscribers, key)
	}
}

func (c *changes) run(ctx context.Context) {
	for {
		select {
		case <-c.pending:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		all := slices.Collect(maps.Keys(c.subscribers))
		c.mu.Unlock()
		for _, notify := range all {
			(*notify)()
		}
	}
}
