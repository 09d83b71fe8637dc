package loop_test

import (
	"net/http"
	"strings"
	"testing"

	"axion/gateway/loop"
)

func TestCircles(t *testing.T) {
	t.Parallel()
	d, other := loop.New(10), loop.New(0)
	t.Run("OKCalm", func(t *testing.T) {
		t.Parallel()
		h := http.Header{}
		for range 100 {
			if d.Circles(h, 10) || len(h) > 0 {
				t.Fatalf("while there are few: it circles, or is marked: %v", h)
			}
		}
	})
	t.Run("OKAFewPasses", func(t *testing.T) {
		t.Parallel()
		for range 2 { // requests
			h := http.Header{"Cdn-Loop": {"edge.example; a=b"}}
			for range 8 {
				if d.Circles(h, 11) || other.Circles(h, 11) {
					t.Errorf("it circles: %v", h)
				}
			}
			if got := h.Get("Cdn-Loop"); !strings.HasPrefix(got, "edge.example; a=b, axion-") || len(h["Cdn-Loop"]) != 1 {
				t.Errorf("header: got %q", h["Cdn-Loop"])
			}
		}
	})
	t.Run("ErrCircle", func(t *testing.T) {
		t.Parallel()
		h, n := http.Header{}, 0
		for ; n < 100 && !d.Circles(h, 11); n++ {
		}
		if n != 8 {
			t.Errorf("passes: got %d, want 8", n)
		}
	})
}
