package middleware

import (
	"strconv"
	"testing"

	"golang.org/x/time/rate"
)

func TestClients(t *testing.T) {
	t.Parallel()
	c := newClients(3, func() *rate.Limiter { return rate.NewLimiter(1, 1) })
	first := c.get("first")
	for i := range 100 {
		c.get(strconv.Itoa(i))
		if c.get("first") != first {
			t.Fatal("a client seen again and again: got forgotten")
		}
	}
	if got := len(c.byKey); got != 3 || c.latest.Len() != 3 {
		t.Errorf("clients kept: got %d, want 3", got)
	}
}
