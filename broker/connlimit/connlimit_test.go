package connlimit_test

import (
	"testing"

	"axion/broker/connlimit"
)

func TestDefault(t *testing.T) {
	t.Parallel()
	if n := connlimit.Default(); n < 1 || n > connlimit.Max {
		t.Errorf("got %d, want from 1 to %d", n, connlimit.Max)
	}
	var l connlimit.Limiter
	if _, limit, _ := l.Counts(); limit != connlimit.Default() {
		t.Errorf("the zero limiter allows %d, want %d", limit, connlimit.Default())
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	var l connlimit.Limiter
	l.SetLimit(4)
	acquire := func(wantOK, wantFirst bool) {
		t.Helper()
		if ok, first := l.Acquire(); ok != wantOK || first != wantFirst {
			t.Fatalf("got %v, %v, want %v, %v", ok, first, wantOK, wantFirst)
		}
	}
	for range 4 {
		acquire(true, false)
	}
	acquire(false, true)
	acquire(false, false)
	// One that leaves does not end the flood, which is reported once.
	l.SetLimit(8)
	for range 4 {
		acquire(true, false)
	}
	acquire(false, false)
	l.Release()
	acquire(true, false)
	acquire(false, false)
	// Two that leave do.
	l.Release()
	l.Release()
	acquire(true, false)
	acquire(true, false)
	acquire(false, true)
	if open, limit, refused := l.Counts(); open != 8 || limit != 8 || refused != 5 {
		t.Errorf("got %d of %d, %d refused; want 8 of 8, 5 refused", open, limit, refused)
	}
}
