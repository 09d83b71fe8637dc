package host

import (
	"context"
	"time"

	"axion/services/store"
)

// leaderLogDelay is how long AcquireLeadership waits before it logs that.
const leaderLogDelay = time.Second

// AcquireLeadership waits until no other instance of the service leads on its database, and
// keeps others waiting until this one stops: for a service whose work cannot be
// shared. It returns at once where the database is this instance's own. What it
// is to outlast must be registered with [Host.OnClose] before.
func (h *Host) AcquireLeadership(ctx context.Context) error {
	if !h.Shared {
		return nil
	}
	waiting := time.AfterFunc(leaderLogDelay, func() { h.Log.Info("another instance is active; waiting for its end") })
	defer waiting.Stop()
	unlock, err := store.Lock(ctx, h.DB, "alone")
	if err == nil {
		h.OnClose(unlock)
	}
	return err
}
