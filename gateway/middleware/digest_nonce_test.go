package middleware

import (
	"testing"
	"time"
)

// A nonce that is no longer remembered is none that may be used again.
func TestNoncesForgotten(t *testing.T) {
	t.Parallel()
	n := newNonces(2)
	now := time.Now()
	issued := make([]string, 4)
	for i := range issued {
		issued[i] = n.issue(now.Add(time.Duration(i)))
	}
	for i, step := range []struct {
		nonce string
		count uint32
		want  nonceState
	}{
		{issued[1], 1, nonceFresh},
		{issued[2], 1, nonceFresh},
		{issued[3], 1, nonceFresh}, // the first is forgotten
		{issued[1], 1, nonceStale},
		{issued[1], 2, nonceStale},
		{issued[0], 1, nonceStale}, // it may have been used
		{issued[2], 2, nonceFresh},
		{issued[3], 2, nonceFresh},
	} {
		if got := n.use(step.nonce, step.count, now.Add(time.Second)); got != step.want {
			t.Errorf("step %d: got %d, want %d", i, got, step.want)
		}
	}
	if got := n.use(n.issue(now.Add(time.Minute)), 1, now); got != nonceStale {
		t.Errorf("a nonce of the future: got %d, want %d", got, nonceStale)
	}
}
