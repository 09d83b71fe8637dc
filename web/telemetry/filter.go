package telemetry

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Filter says which traces are asked for; its zero value means all.
type Filter struct {
	// Text is looked for in names, services, ids, errors and attributes' values (the first
	// 4 KiB of each), in any case.
	Text string
	// Service must have taken part.
	Service string
	// Errors leaves out traces without one.
	Errors bool
	// Slower leaves out traces that took less.
	Slower time.Duration
	// From and To leave out traces that began before or after.
	From, To time.Time
}

// traceSnapshot is a trace as it was at one moment: what is kept of it only grows.
type traceSnapshot struct {
	id    string
	spans []encodedSpan
}

// List gives at most limit traces, newest first.
func (s *Store) List(f Filter, limit int) []Summary {
	s.mu.Lock()
	views := make([]traceSnapshot, 0, s.order.Len())
	for e := s.order.Back(); e != nil; e = e.Prev() {
		views = append(views, e.Value.(*trace).snapshot())
	}
	s.mu.Unlock()
	return f.filter(views, limit)
}

// Changes gives the traces that changed after version, those that changed last
// first and at most limit, with the version that they are of; more says how many
// others changed. changed is closed at the next change.
func (s *Store) Changes(f Filter, version uint64, limit int) (found []Summary, now uint64, more int, changed <-chan struct{}) {
	s.mu.Lock()
	var views []traceSnapshot
	for e := s.recent.Back(); e != nil; e = e.Prev() {
		t := e.Value.(*trace)
		if t.version <= version {
			break
		}
		if len(views) < limit {
			views = append(views, t.snapshot())
		} else {
			more++
		}
	}
	now, changed = s.version, s.changes.wait()
	s.mu.Unlock()
	return f.filter(views, limit), now, more, changed
}

func (f Filter) filter(views []traceSnapshot, limit int) []Summary {
	f.Text = strings.ToLower(f.Text)
	found := []Summary{}
	for _, v := range views {
		if len(found) == limit {
			break
		}
		if sum := v.summary(); f.matches(sum, v) {
			found = append(found, sum)
		}
	}
	return found
}

func (f Filter) matches(s Summary, v traceSnapshot) bool {
	return (!f.Errors || s.Errors > 0) && s.Duration >= float64(f.Slower)/float64(time.Millisecond) &&
		(f.From.IsZero() || !s.Start.Before(f.From)) && (f.To.IsZero() || !s.Start.After(f.To)) &&
		(f.Service == "" || slices.Contains(s.Services, f.Service)) && (f.Text == "" || slices.ContainsFunc(v.spans, f.containsText))
}

func (f Filter) containsText(s encodedSpan) bool { return strings.Contains(s.searchText, f.Text) }

func (v traceSnapshot) summary() Summary {
	first := slices.MinFunc(v.spans, func(a, b encodedSpan) int {
		switch {
		case a.root == b.root:
			return cmp.Compare(a.start, b.start)
		case a.root:
			return -1
		}
		return 1
	})
	sum := Summary{
		TraceID: v.id, Root: first.name, Service: first.service, Start: time.Unix(0, first.start).UTC(), Spans: len(v.spans),
		Services: []string{},
	}
	start, end := first.start, first.end
	for i := range v.spans {
		s := &v.spans[i]
		start, end = min(start, s.start), max(end, s.end)
		if s.failed {
			sum.Errors++
		}
		if !slices.Contains(sum.Services, s.service) {
			sum.Services = append(sum.Services, s.service)
		}
	}
	slices.Sort(sum.Services)
	sum.Duration = float64(time.Duration(end-start).Microseconds()) / 1000
	return sum
}
