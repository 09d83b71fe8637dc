package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"axion/services/store"
)

const (
	// maxInstances bounds those that share a database.
	maxInstances = 1000
	// checkInterval is how often an instance checks that it still has its slot.
	checkInterval = time.Second
)

// instance is this one among those that share a database. The others know by the lock
// of its slot that it lives: it ends with the process, however that does. Safe for
// concurrent use.
type instance struct {
	db *sql.DB

	mu    sync.Mutex
	owner string // its name since it took its slot; "" before

	holding sync.Mutex // guards hold
	hold    *store.Hold
}

// join acquires a slot.
func (i *instance) join(ctx context.Context) error {
	i.holding.Lock()
	defer i.holding.Unlock()
	return i.acquire(ctx)
}

// acquire acquires a slot, under a new name, while holding is held.
func (i *instance) acquire(ctx context.Context) error {
	for slot := range maxInstances {
		hold, err := store.TryLock(ctx, i.db, slotName(slot))
		if err != nil {
			return fmt.Errorf("acquire a slot: %w", err)
		}
		if hold == nil {
			continue
		}
		owner := uuid.NewString()
		_, err = i.db.ExecContext(ctx, `INSERT INTO instances (slot, owner) VALUES ($1, $2)
			ON CONFLICT (slot) DO UPDATE SET owner = excluded.owner`, slot, owner)
		if err != nil {
			hold.Unlock()
			return fmt.Errorf("acquire a slot: %w", err)
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		i.owner, i.hold = owner, hold
		return nil
	}
	return fmt.Errorf("acquire a slot: %d instances run already", maxInstances)
}

func slotName(slot int) string { return "instance-" + strconv.Itoa(slot) }

// name is the owner of what this instance claims.
func (i *instance) name() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.owner
}

// check acquires another slot where this one's lock is lost: for the others the instance
// has ended then, and what it had claimed is theirs to complete.
func (i *instance) check(ctx context.Context) error {
	i.holding.Lock()
	defer i.holding.Unlock()
	if i.hold != nil {
		if err := i.hold.Check(ctx); err == nil || ctx.Err() != nil {
			return nil
		}
		i.hold.Unlock()
		i.hold = nil
	}
	return i.acquire(ctx)
}

// leave releases the slot.
func (i *instance) leave() {
	i.holding.Lock()
	defer i.holding.Unlock()
	if i.hold != nil {
		i.hold.Unlock()
		i.hold = nil
	}
}

// gone reports whether an owner is no instance that lives.
func (i *instance) gone(ctx context.Context, owner string) (bool, error) {
	if owner == i.name() {
		return false, nil
	}
	var slot int
	err := i.db.QueryRowContext(ctx, `SELECT slot FROM instances WHERE owner = $1`, owner).Scan(&slot)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil // another has its slot
	}
	if err != nil {
		return false, fmt.Errorf("find instance: %w", err)
	}
	hold, err := store.TryLock(ctx, i.db, slotName(slot))
	if err != nil || hold == nil {
		return false, err
	}
	hold.Unlock()
	return true, nil
}
