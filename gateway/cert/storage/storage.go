// Package storage is where certmagic keeps certificates: a directory that one process has
// for itself, or memory.
package storage

import (
	"context"

	"github.com/caddyserver/certmagic"
)

// New gives storage in dir, which is made when it is first written to; where dir is empty,
// storage in memory for so many certificates. Both are safe for concurrent use.
func New(dir string, certificates int) certmagic.Storage {
	if dir == "" {
		return newMemory(certificates)
	}
	return &disk{Storage: &certmagic.FileStorage{Path: dir}}
}

// disk keeps certificates in a directory. Locks are the process's own: those of
// certmagic's files leave a goroutine for seconds.
type disk struct {
	certmagic.Storage
	locks locks
}

// Lock waits until name is free or ctx ends.
func (d *disk) Lock(ctx context.Context, name string) error { return d.locks.Lock(ctx, name) }

// Unlock frees name.
func (d *disk) Unlock(ctx context.Context, name string) error { return d.locks.Unlock(ctx, name) }
