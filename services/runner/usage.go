package runner

import (
	"context"
	"sync"
	"time"

	"axion/services/process/inspect"
)

// usageInterval is how old what is known of the use of processes may be.
const usageInterval = time.Second

// meter knows what processes use. It looks while somebody asks, and at most once in an
// interval. It is safe for concurrent use.
type meter struct {
	mu   sync.Mutex
	at   time.Time
	last map[int]used
}

// used is what a process uses, with all that it has started.
type used struct {
	inspect.Usage
	share float64 // of one core, since it was looked at before
}

// read is what processes use now, by their ids and since when each runs.
func (m *meter) read(ctx context.Context, started map[int]time.Time) map[int]used {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if len(started) == 0 || now.Sub(m.at) < usageInterval && m.knows(started) {
		return m.last
	}
	leaders := make([]int, 0, len(started))
	for pid := range started {
		leaders = append(leaders, pid)
	}
	found, err := inspect.Groups(ctx, leaders)
	if err != nil {
		return m.last // what is shown is old
	}
	next := map[int]used{}
	for pid, usage := range found {
		before, since := m.last[pid], m.at
		if started[pid].After(since) {
			before, since = used{}, started[pid]
		}
		u := used{Usage: usage}
		if took := now.Sub(since).Seconds(); took > 0 {
			u.share = max(0, usage.CPU-before.CPU) / took // less where one that was started has ended
		}
		next[pid] = u
	}
	m.at, m.last = now, next
	return next
}

func (m *meter) knows(started map[int]time.Time) bool {
	for pid := range started {
		if _, ok := m.last[pid]; !ok {
			return false
		}
	}
	return true
}

// usage is what the services' processes use now.
func (r *Runner) usage() map[int]used {
	started := map[int]time.Time{}
	for _, u := range r.units {
		for _, p := range u.current().all() {
			if now, _ := p.Status(); now.PID != 0 {
				started[now.PID] = now.Started
			}
		}
	}
	return r.meter.read(r.ctx, started)
}
