package cert

import (
	"context"
	"fmt"

	"github.com/caddyserver/certmagic"
)

// semaphore is certmagic's lock on names, within this process. It holds a token
// while any name is locked: names are many, and what is done under a lock takes
// a millisecond.
type semaphore chan struct{}

func (s semaphore) Lock(ctx context.Context, _ string) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) Unlock(_ context.Context, name string) error {
	select {
	case <-s:
		return nil
	default:
		return fmt.Errorf("unlock %s: not locked", name)
	}
}

// disk keeps certificates in a directory, which is one process's own. Locks are
// its own too: those of certmagic's files leave a goroutine for seconds.
type disk struct {
	certmagic.Storage
	locks semaphore
}

func newDisk(dir string) disk {
	return disk{&certmagic.FileStorage{Path: dir}, make(semaphore, 1)}
}

func (d disk) Lock(ctx context.Context, name string) error   { return d.locks.Lock(ctx, name) }
func (d disk) Unlock(ctx context.Context, name string) error { return d.locks.Unlock(ctx, name) }
