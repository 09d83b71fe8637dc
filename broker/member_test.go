package broker

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	const grace = reconnectGrace
	name, static := "m", "static"
	heartbeat := &kmsg.HeartbeatRequest{Group: "g", MemberID: name}
	for test, tt := range map[string]struct {
		run  func(m *members, a, b *guardedConn)
		want int // expulsions, a moment after the grace
	}{
		"OK": {func(m *members, a, _ *guardedConn) {
			m.observe(a, heartbeat)
			m.connClosed(a)
		}, 1},
		"Modern": {func(m *members, a, _ *guardedConn) {
			m.observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name})
			m.connClosed(a)
		}, 1},
		"BothGone": {func(m *members, a, b *guardedConn) {
			m.observe(a, &kmsg.JoinGroupRequest{Group: "g", MemberID: name})
			m.observe(b, heartbeat)
			m.connClosed(a)
			m.connClosed(b)
		}, 1},
		"OneLeft": {func(m *members, a, b *guardedConn) {
			m.observe(a, &kmsg.SyncGroupRequest{Group: "g", MemberID: name})
			m.observe(b, heartbeat)
			m.connClosed(a)
		}, 0},
		"Reconnected": {func(m *members, a, b *guardedConn) {
			m.observe(a, heartbeat)
			m.connClosed(a)
			time.Sleep(grace - time.Nanosecond)
			m.observe(b, heartbeat)
		}, 0},
		"ReconnectedAndGone": {func(m *members, a, b *guardedConn) {
			m.observe(a, heartbeat)
			m.connClosed(a)
			m.observe(b, heartbeat)
			m.connClosed(b)
		}, 1},
		"Left": {func(m *members, a, _ *guardedConn) {
			m.observe(a, heartbeat)
			m.observe(a, &kmsg.LeaveGroupRequest{Group: "g", Members: []kmsg.LeaveGroupRequestMember{{MemberID: name}}})
			m.connClosed(a)
		}, 0},
		"LeftAfter": {func(m *members, a, b *guardedConn) {
			m.observe(a, heartbeat)
			m.connClosed(a)
			m.observe(b, &kmsg.LeaveGroupRequest{Group: "g", MemberID: name})
		}, 0},
		"LeftModern": {func(m *members, a, _ *guardedConn) {
			m.observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name})
			m.observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name, MemberEpoch: -1})
			m.connClosed(a)
		}, 0},
		"Static": {func(m *members, a, _ *guardedConn) {
			m.observe(a, &kmsg.HeartbeatRequest{Group: "g", MemberID: name, InstanceID: &static})
			m.observe(a, &kmsg.ConsumerGroupHeartbeatRequest{Group: "g", MemberID: name, InstanceID: &static})
			m.connClosed(a)
		}, 0},
		"NoIDYet": {func(m *members, a, _ *guardedConn) {
			m.observe(a, &kmsg.JoinGroupRequest{Group: "g"})
			m.connClosed(a)
		}, 0},
		"AlreadyClosed": {func(m *members, a, _ *guardedConn) {
			close(a.closed)
			m.observe(a, heartbeat)
			m.connClosed(a)
		}, 0},
		"Closed": {func(m *members, a, _ *guardedConn) {
			m.observe(a, heartbeat)
			m.connClosed(a)
			m.close()
		}, 0},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got atomic.Int32
				m := newMembers(func(_ context.Context, key memberKey) {
					if key.group != "g" || key.id != name {
						t.Errorf("got %+v", key)
					}
					got.Add(1)
				})
				tt.run(m, &guardedConn{closed: make(chan struct{})}, &guardedConn{closed: make(chan struct{})})
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
				m.close()
				if tt.want > 0 && len(m.known)+len(m.byConn) > 0 {
					t.Errorf("remembers %d members of %d connections", len(m.known), len(m.byConn))
				}
			})
		})
	}
}

// mortal is the network of a client that can be killed.
type mortal struct {
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (m *mortal) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errors.New("killed")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err == nil {
		m.conns = append(m.conns, conn)
	}
	return conn, err
}

// cut ends all connections; with dead there are no others.
func (m *mortal) cut(dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = dead
	for _, conn := range m.conns {
		_ = conn.Close()
	}
	m.conns = nil
}

// TestDeadMember: when a member is killed, the others have its partitions long
// before its session (here far longer than the test) times out.
func TestDeadMember(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{
		"Classic": kgo.Balancers(kgo.CooperativeStickyBalancer()),
		"Eager":   kgo.Balancers(kgo.RoundRobinBalancer()),
		"Modern":  kgo.ServerSideBalancer(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, Options{Topics: []string{"a"}})
			assigned := make(chan int, 64)
			member := func(network *mortal, tell bool) *kgo.Client {
				held := 0
				return client(t, b,
					protocol,
					kgo.Dialer(network.dial),
					kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"),
					kgo.SessionTimeout(4*time.Minute), kgo.RebalanceTimeout(4*time.Minute),
					kgo.HeartbeatInterval(50*time.Millisecond),
					kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
						held += len(got["a"])
						if tell {
							assigned <- held
						}
					}),
					kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { held -= len(lost["a"]) }),
				)
			}
			victim := &mortal{}
			member(victim, false)
			eventually(t, "one member", func() bool { return groupOf(t, b, "g").Members == 1 })
			member(&mortal{}, true)
			eventually(t, "two members", func() bool {
				g := groupOf(t, b, "g")
				return g.Members == 2 && g.State == "Stable"
			})
			victim.cut(true)
			for held := 0; held < 3; {
				select {
				case held = <-assigned:
				case <-testContext(t).Done():
					t.Fatalf("the survivor holds %d partitions, want 3", held)
				}
			}
		})
	}
}

// groupOf is the group of that name, or an empty one.
func groupOf(t *testing.T, b *Broker, name string) admin.Group {
	t.Helper()
	groups, err := b.Admin().Groups(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if g.Name == name {
			return g
		}
	}
	return admin.Group{}
}
