package cert

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/certmagic"
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

// disk keeps certificates in a directory, which is one process's own. Locks are
// its own too: those of certmagic's files leave a goroutine for seconds.
type disk struct {
	certmagic.Storage
	locks *locks
}

// storageIn keeps certificates in dir, or in memory where it is empty.
func storageIn(dir string) certmagic.Storage {
	if dir == "" {
		return newMemory(maxCached)
	}
	return newDisk(dir)
}

func newDisk(dir string) disk {
	return disk{&certmagic.FileStorage{Path: dir}, &locks{}}
}

func (d disk) Lock(ctx context.Context, name string) error   { return d.locks.Lock(ctx, name) }
func (d disk) Unlock(ctx context.Context, name string) error { return d.locks.Unlock(ctx, name) }
