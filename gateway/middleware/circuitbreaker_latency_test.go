package middleware

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLatencies compares quantiles with those of the sorted latencies: they are never
// shorter, and at most 1 % longer.
func TestLatencies(t *testing.T) {
	t.Parallel()
	var l latencies
	if got := l.atQuantile(50); got != 0 {
		t.Errorf("of none: got %s, want 0", got)
	}
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1000, 0)
	var all []time.Duration
	for i := range 10_000 {
		latency := time.Duration(random.ExpFloat64()*float64(50*time.Millisecond)) + time.Microsecond
		all = append(all, latency)
		l.record(now.Add(time.Duration(i)*5*time.Millisecond), latency) // within 50 s
	}
	slices.Sort(all)
	for _, percent := range []float64{0, 1, 50, 90, 99, 99.9, 100} {
		at := max(int(math.Round(percent/100*float64(len(all)))), 1) - 1
		got, want := l.atQuantile(percent), all[at].Truncate(time.Microsecond)
		if got < want || got > want+want/100+time.Microsecond {
			t.Errorf("%v %%: got %s, want %s", percent, got, want)
		}
	}
	for _, latency := range []time.Duration{0, time.Microsecond, 255 * time.Microsecond, 256 * time.Microsecond, maxLatency, 2 * maxLatency} {
		var one latencies
		one.record(now, latency)
		want := min(max(latency, time.Microsecond), maxLatency)
		if got := one.atQuantile(50); got < want || got > want+want/100 {
			t.Errorf("%s alone: got %s", latency, got)
		}
	}
}

// TestLatenciesWindow: a latency counts for as long as the parts last, also when nothing
// came in between.
func TestLatenciesWindow(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		later time.Duration
		gone  bool
	}{
		"OK": {(latencyParts - 1) * latencyPart, false}, "Gone": {latencyParts * latencyPart, true},
		"Quiet": {100 * latencyParts * latencyPart, true},
	} {
		var l latencies
		l.record(now, time.Second)
		l.record(now.Add(tt.later), time.Millisecond)
		if gone := l.atQuantile(100) < time.Second; gone != tt.gone {
			t.Errorf("%s: after %s: gone is %t", name, tt.later, gone)
		}
	}
}
