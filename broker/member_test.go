package broker

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
)

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
	groups, err := b.Admin().Groups().List(testContext(t))
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
