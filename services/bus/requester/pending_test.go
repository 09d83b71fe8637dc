package requester

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
)

// changes returns what has come for a request when all goroutines wait.
func changes(p *pendingRequest) requestState {
	synctest.Wait()
	select {
	case <-p.changed:
		return p.changes()
	default:
		return requestState{}
	}
}

// TestPendingDue: each request is due once, at its own time, whichever was added first.
func TestPendingDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, began := pendingRequests{count: new(atomic.Int32), requests: map[string]*pendingRequest{}}, time.Now()
		var under []*pendingRequest
		for i, after := range []int{30, 10, 20, 40} {
			under = append(under, c.add(fmt.Sprint(i), false, began.Add(time.Duration(after)*time.Second)))
		}
		due := func() (at []int) {
			for i, p := range under {
				if changes(p).due {
					at = append(at, i)
				}
			}
			return at
		}
		for _, want := range [][]int{{}, {1}, {2}, {0}, {}, {2}} {
			if got := due(); !slices.Equal(got, want) {
				t.Errorf("after %s: %v are due, want %v", time.Since(began), got, want)
			}
			if slices.Equal(want, []int{2}) {
				c.postpone(under[2], began.Add(45*time.Second))
				c.remove("3")
			}
			time.Sleep(10 * time.Second)
		}
	})
}

// TestPendingClose: requests whose times are closer together than the timer's gap are all due soon.
func TestPendingClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, began := pendingRequests{count: new(atomic.Int32), requests: map[string]*pendingRequest{}}, time.Now()
		var under []*pendingRequest
		for i := range 100 {
			under = append(under, c.add(fmt.Sprint(i), false, began.Add(time.Second+time.Duration(i)*time.Microsecond)))
		}
		time.Sleep(time.Second + 100*time.Microsecond + timerGap)
		for i, p := range under {
			if !changes(p).due {
				t.Errorf("request %d is not due", i)
			}
		}
	})
}

// TestPendingEnd: the end fails all requests that wait, and those that come later; the
// first answer counts.
func TestPendingEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, gone := pendingRequests{count: new(atomic.Int32), requests: map[string]*pendingRequest{}}, errors.New("gone")
		answered, waiting := c.add("1", true, time.Now().Add(time.Hour)), c.add("2", false, time.Now().Add(time.Hour))
		reply := func(value string, more ...message.Header) *kgo.Record {
			return &kgo.Record{Value: []byte(value), Headers: append(more, message.Header{Key: message.HeaderCorrelation, Value: []byte("1")})}
		}
		c.deliver(reply("part"))
		c.deliver(reply("last", message.Header{Key: message.HeaderDisposed, Value: message.Disposed}))
		c.end(gone)
		is := changes(answered)
		if is.reply == nil || is.reply.err != nil || string(is.reply.record.Value) != "last" || len(is.parts) != 2 {
			t.Errorf("got %+v, want the answer in two parts", is)
		}
		for _, p := range []*pendingRequest{waiting, c.add("3", false, time.Now().Add(time.Hour))} {
			if is := changes(p); is.reply == nil || !errors.Is(is.reply.err, gone) {
				t.Errorf("got %+v, want the end", is)
			}
		}
	})
}
