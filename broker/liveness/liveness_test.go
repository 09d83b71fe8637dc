package liveness

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"axion/broker/membership"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testConn is a connection that may be closed.
type testConn struct{ closed bool }

func (c *testConn) IsClosed() bool { return c.closed }

func TestMembers(t *testing.T) {
	t.Parallel()
	const grace = reconnectGrace
	name, static := "m", "static"
	heartbeat := &kmsg.HeartbeatRequest{Group: "g", MemberID: name}
	for test, tt := range map[string]struct {
		run  func(m *Members, a, b *testConn)
		want int // expulsions, a moment after the grace
	}{
		"OK": {func(m *Members, a, _ *testConn) {
			m.Observe(a, heartbeat)
			m.Closed(a)
		}, 1},
		"Modern": {func(m *Members, a, _ *testConn) {
			m.Observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name})
			m.Closed(a)
		}, 1},
		"BothGone": {func(m *Members, a, b *testConn) {
			m.Observe(a, &kmsg.JoinGroupRequest{Group: "g", MemberID: name})
			m.Observe(b, heartbeat)
			m.Closed(a)
			m.Closed(b)
		}, 1},
		"OneLeft": {func(m *Members, a, b *testConn) {
			m.Observe(a, &kmsg.SyncGroupRequest{Group: "g", MemberID: name})
			m.Observe(b, heartbeat)
			m.Closed(a)
		}, 0},
		"Reconnected": {func(m *Members, a, b *testConn) {
			m.Observe(a, heartbeat)
			m.Closed(a)
			time.Sleep(grace - time.Nanosecond)
			m.Observe(b, heartbeat)
		}, 0},
		"ReconnectedAndGone": {func(m *Members, a, b *testConn) {
			m.Observe(a, heartbeat)
			m.Closed(a)
			m.Observe(b, heartbeat)
			m.Closed(b)
		}, 1},
		"Left": {func(m *Members, a, _ *testConn) {
			m.Observe(a, heartbeat)
			m.Observe(a, &kmsg.LeaveGroupRequest{Group: "g", Members: []kmsg.LeaveGroupRequestMember{{MemberID: name}}})
			m.Closed(a)
		}, 0},
		"LeftAfter": {func(m *Members, a, b *testConn) {
			m.Observe(a, heartbeat)
			m.Closed(a)
			m.Observe(b, &kmsg.LeaveGroupRequest{Group: "g", MemberID: name})
		}, 0},
		"LeftModern": {func(m *Members, a, _ *testConn) {
			m.Observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name})
			m.Observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name, MemberEpoch: -1})
			m.Closed(a)
		}, 0},
		"Static": {func(m *Members, a, _ *testConn) {
			m.Observe(a, &kmsg.HeartbeatRequest{Group: "g", MemberID: name, InstanceID: &static})
			m.Observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name, InstanceID: &static})
			m.Closed(a)
		}, 0},
		"NoIDYet": {func(m *Members, a, _ *testConn) {
			m.Observe(a, &kmsg.JoinGroupRequest{Group: "g"})
			m.Closed(a)
		}, 0},
		"AlreadyClosed": {func(m *Members, a, _ *testConn) {
			a.closed = true
			m.Observe(a, heartbeat)
			m.Closed(a)
		}, 0},
		"Closed": {func(m *Members, a, _ *testConn) {
			m.Observe(a, heartbeat)
			m.Closed(a)
			m.Close()
		}, 0},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got atomic.Int32
				m := New(func(_ context.Context, key Key) {
					if key.Group != "g" || key.ID != name {
						t.Errorf("got %+v", key)
					}
					got.Add(1)
				})
				tt.run(m, &testConn{}, &testConn{})
				time.Sleep(grace - time.Nanosecond) // of the test's own clock
				synctest.Wait()
				if got.Load() != 0 && tt.want != 0 {
					t.Error("expelled within the grace")
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if got := int(got.Load()); got != tt.want {
					t.Errorf("got %d expulsions, want %d", got, tt.want)
				}
				m.Close()
				if tt.want > 0 && len(m.known)+len(m.byConn) > 0 {
					t.Errorf("remembers %d members of %d connections", len(m.known), len(m.byConn))
				}
			})
		})
	}
}

// TestAwait: restored members have some time to come back.
func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var expelled []string
		m := New(func(_ context.Context, key Key) {
			mu.Lock()
			defer mu.Unlock()
			expelled = append(expelled, key.ID)
		})
		m.Await([]membership.Member{
			{Group: "g", ID: "dead"}, {Group: "g", ID: "alive"}, {Group: "g", ID: "static", Static: true},
			{Group: "h", ID: "modern", Modern: true}, {Group: "h", ID: membership.PlaceholderID, Modern: true, Placeholder: true},
			{Group: "g", ID: "replaced", Replaced: true}, {Group: "g", ID: "replaced static", Static: true, Replaced: true},
		})
		check := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(expelled)
			if !slices.Equal(expelled, want) {
				t.Errorf("got %q expelled, want %q", expelled, want)
			}
		}
		check(membership.PlaceholderID, "replaced")
		m.Observe(&testConn{}, &kmsg.HeartbeatRequest{Group: "g", MemberID: "alive"})
		time.Sleep(restoredGrace - time.Nanosecond)
		check(membership.PlaceholderID, "replaced")
		time.Sleep(time.Nanosecond)
		check(membership.PlaceholderID, "dead", "modern", "replaced")
		m.Close()
	})
}
