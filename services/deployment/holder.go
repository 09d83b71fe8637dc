package deployment

import (
	"sync"
	"time"
)

// holders knows which instances are alive that work on deployments: those whose leases
// change. How long one has not is measured by this process's monotonic clock alone, since
// wall clocks differ and are set. It is safe for concurrent use.
type holders struct {
	mu   sync.Mutex
	seen map[string]hold // by deployment
}

// hold is the last lease of a deployment that was seen, and when it was seen first.
type hold struct {
	owner string
	lease int64
	since time.Time
}

// gone reports whether the holder of a deployment has released it, or its lease has not
// changed for leaseTimeout.
func (h *holders) gone(id, owner string, lease int64) bool {
	if owner == "" || lease == 0 {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	last, ok := h.seen[id]
	if !ok || last.owner != owner || last.lease != lease {
		if h.seen == nil {
			h.seen = map[string]hold{}
		}
		h.seen[id] = hold{owner, lease, time.Now()}
		return false
	}
	return time.Since(last.since) >= leaseTimeout
}

// retain drops all deployments but those that other instances hold.
func (h *holders) retain(ids map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.seen {
		if !ids[id] {
			delete(h.seen, id)
		}
	}
}
