package storage

import (
	"context"
	"fmt"
	"sync"
)

// locks are certmagic's locks on names, within this process. The zero value is
// ready to use.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed once the name is free
}

// Lock waits until name is free or ctx ends.
func (l *locks) Lock(ctx context.Context, name string) error {
	for {
		l.mu.Lock()
		free, taken := l.held[name]
		if !taken {
			if l.held == nil {
				l.held = make(map[string]chan struct{})
			}
			l.held[name] = make(chan struct{})
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock frees name.
func (l *locks) Unlock(_ context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	free, taken := l.held[name]
	if !taken {
		return fmt.Errorf("unlock %s: not locked", name)
	}
	delete(l.held, name)
	close(free)
	return nil
}
