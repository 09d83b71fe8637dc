package host

import (
	"context"
	"time"

	"axion/services/store"
)

// patience is how long Alone waits before it says so.
const patience = time.Second

// Alone waits until no other instance of the service is alone on its database, and
// keeps others waiting until this one stops: for a service whose work cannot be
// shared. It returns at once where the database is this instance's own. What it
// is to outlast must be registered with [Host.OnClose] before.
func (h *Host) Alone(ctx context.Context) error {
	if !h.Shared {
		return nil
	}
	waiting := time.AfterFunc(patience, func() { h.Log.Info("another instance is active; waiting for its end") })
	defer waiting.Stop()
	unlock, err := store.Lock(ctx, h.DB, "alone")
	if err == nil {
		h.OnClose(unlock)
	}
	return err
}
