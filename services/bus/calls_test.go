package bus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// changes gives what has come for a call when all goroutines wait.
func changes(p *call) callState {
	synctest.Wait()
	select {
	case <-p.changed:
		return p.take()
	default:
		return callState{}
	}
}

// TestCallsDue: each call is due once, at its own time, whichever was added first.
func TestCallsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, began := calls{pending: map[string]*call{}}, time.Now()
		var under []*call
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

// TestCallsClose: calls whose times are closer together than the timer's gap are all due soon.
func TestCallsClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, began := calls{pending: map[string]*call{}}, time.Now()
		var under []*call
		for i := range 100 {
			under = append(under, c.add(fmt.Sprint(i), false, began.Add(time.Second+time.Duration(i)*time.Microsecond)))
		}
		time.Sleep(time.Second + 100*time.Microsecond + timerGap)
		for i, p := range under {
			if !changes(p).due {
				t.Errorf("call %d is not due", i)
			}
		}
	})
}

// TestCallsEnd: the end fails all calls that are under way, and those that come later; the
// first answer counts.
func TestCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, gone := calls{pending: map[string]*call{}}, errors.New("gone")
		answered, waiting := c.add("1", true, time.Now().Add(time.Hour)), c.add("2", false, time.Now().Add(time.Hour))
		reply := func(value string, more ...Header) *kgo.Record {
			return &kgo.Record{Value: []byte(value), Headers: append(more, Header{Key: headerCorrelation, Value: []byte("1")})}
		}
		c.deliver(reply("part"))
		c.deliver(reply("last", Header{Key: headerDisposed, Value: oneZero}))
		c.end(gone)
		is := changes(answered)
		if is.answer == nil || is.answer.err != nil || string(is.answer.record.Value) != "last" || len(is.parts) != 2 {
			t.Errorf("got %+v, want the answer in two parts", is)
		}
		for _, p := range []*call{waiting, c.add("3", false, time.Now().Add(time.Hour))} {
			if is := changes(p); is.answer == nil || !errors.Is(is.answer.err, gone) {
				t.Errorf("got %+v, want the end", is)
			}
		}
	})
}
