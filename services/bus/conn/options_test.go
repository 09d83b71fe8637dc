package conn

import (
	"testing"
	"time"
)

func TestReconnectDelay(t *testing.T) {
	t.Parallel()
	for failures, most := range map[int]time.Duration{
		0: 20 * time.Millisecond, 1: 20 * time.Millisecond, 3: 80 * time.Millisecond, 6: time.Second, 1000: time.Second,
	} {
		if got := reconnectDelay(failures); got < most/2 || got > most {
			t.Errorf("after %d failures: got %s, want %s to %s", failures, got, most/2, most)
		}
	}
}
