package conn

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"axion/broker/undecodable"
)

// TestPollWindow: polls share a context until it ends, and each ends with its parent.
func TestPollWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		var window PollWindow
		defer window.End()
		first := window.Begin(parent)
		time.Sleep(undecodable.Patience / 2)
		if window.Begin(parent) != first {
			t.Error("the second poll has a context of its own")
		}
		time.Sleep(undecodable.Patience)
		second := window.Begin(parent)
		if first.Err() == nil || second.Err() != nil {
			t.Errorf("got %v and %v, want that the first has ended and the next has not", first.Err(), second.Err())
		}
		cancel()
		<-second.Done() // or the test fails
	})
}
