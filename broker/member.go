package broker

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

const (
	// memberGrace is how long a group member may have no connection before
	// the guard says that it has left. Clients reconnect within it.
	memberGrace = time.Second
	// restoredGrace is how long a member may stay away after a kill of the broker:
	// several heartbeats of any client, and the pauses before it connects again.
	restoredGrace = 10 * time.Second
	// maxMembers bounds the members followed per connection.
	maxMembers = 256
	// expelTime bounds one request to leave.
	expelTime = 5 * time.Second
)

// memberKey names a member of a consumer group.
type memberKey struct {
	group, id string
	modern    bool // of the protocol of KIP-848
}

// members follows which connections speak for which group member. A member
// whose connections are all gone has died without leaving: left alone, its
// partitions would stall until its session times out.
type members struct {
	grace time.Duration
	expel func(context.Context, memberKey)

	ctx     context.Context
	stop    context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	known  map[memberKey]*member
	spoken map[*guarded]map[memberKey]struct{}
}

// member has the connections that speak for it, or else a timer.
type member struct {
	conns map[*guarded]struct{}
	timer *time.Timer
}

func newMembers(grace time.Duration, expel func(context.Context, memberKey)) *members {
	ctx, stop := context.WithCancel(context.Background())
	return &members{
		grace: grace, expel: expel, ctx: ctx, stop: stop,
		known:  make(map[memberKey]*member),
		spoken: make(map[*guarded]map[memberKey]struct{}),
	}
}

// seen notes that the connection speaks for the member.
func (m *members) seen(g *guarded, key memberKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || g.isClosed() || key.id == "" {
		return
	}
	spoken := m.spoken[g]
	if _, ok := spoken[key]; ok || len(spoken) >= maxMembers {
		return
	}
	if spoken == nil {
		spoken = make(map[memberKey]struct{})
		m.spoken[g] = spoken
	}
	spoken[key] = struct{}{}
	who := m.known[key]
	if who == nil {
		who = &member{conns: make(map[*guarded]struct{})}
		m.known[key] = who
	}
	who.conns[g] = struct{}{}
	if who.timer != nil {
		who.timer.Stop()
		who.timer = nil
	}
}

// await waits for members that a kill of the broker has left without connections, but
// for those that others replace. A static one is left to its session timeout.
func (m *members) await(restored []membership.Member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range restored {
		key := memberKey{group: r.Group, id: r.ID, modern: r.Modern}
		if r.Static || m.closed || m.known[key] != nil {
			continue
		}
		who := &member{conns: make(map[*guarded]struct{})}
		m.known[key] = who
		grace := restoredGrace
		if r.Placeholder || r.Replaced {
			grace = 0
		}
		who.timer = time.AfterFunc(grace, func() { m.bury(key, who) })
	}
}

// left notes that the member has said itself that it leaves.
func (m *members) left(key memberKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	who := m.known[key]
	if who == nil {
		return
	}
	delete(m.known, key)
	for g := range who.conns {
		delete(m.spoken[g], key)
	}
	if who.timer != nil {
		who.timer.Stop()
	}
}

// gone notes that a connection has closed.
func (m *members) gone(g *guarded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := m.spoken[g]
	delete(m.spoken, g)
	for key := range keys {
		who := m.known[key]
		delete(who.conns, g)
		if len(who.conns) == 0 && !m.closed {
			who.timer = time.AfterFunc(m.grace, func() { m.bury(key, who) })
		}
	}
}

// bury expels a member that has stayed without a connection.
func (m *members) bury(key memberKey, who *member) {
	m.mu.Lock()
	if m.closed || m.known[key] != who || len(who.conns) > 0 {
		m.mu.Unlock()
		return
	}
	delete(m.known, key)
	m.working.Add(1)
	m.mu.Unlock()
	defer m.working.Done()
	m.expel(m.ctx, key)
}

// close stops following, and waits for requests under way.
func (m *members) close() {
	m.mu.Lock()
	m.closed = true
	for _, who := range m.known {
		if who.timer != nil {
			who.timer.Stop()
		}
	}
	m.mu.Unlock()
	m.stop()
	m.working.Wait()
}

// follow notes what a request of the group protocols says about its member. A
// static member (one with an instance id) is meant to come back, and is left
// to its session timeout.
func (m *members) follow(g *guarded, req kmsg.Request) {
	note := func(group, id string, instance *string) {
		if instance == nil {
			m.seen(g, memberKey{group: group, id: id})
		}
	}
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		note(r.Group, r.MemberID, r.InstanceID)
	case *kmsg.SyncGroupRequest:
		note(r.Group, r.MemberID, r.InstanceID)
	case *kmsg.HeartbeatRequest:
		note(r.Group, r.MemberID, r.InstanceID)
	case *kmsg.LeaveGroupRequest:
		m.left(memberKey{group: r.Group, id: r.MemberID})
		for _, who := range r.Members {
			m.left(memberKey{group: r.Group, id: who.MemberID})
		}
	case *kmsg.ConsumerGroupHeartbeatRequest:
		key := memberKey{group: r.Group, id: r.MemberID, modern: true}
		if r.MemberEpoch < 0 {
			m.left(key)
		} else if r.InstanceID == nil {
			m.seen(g, key)
		}
	}
}

// expel tells the broker that a member has left, as the member would have.
func (b *Broker) expel(ctx context.Context, key memberKey) {
	ctx, cancel := context.WithTimeout(ctx, expelTime)
	defer cancel()
	if key.id == membership.PlaceholderID {
		_ = b.admin.RemoveMember(ctx, key.group, key.id, key.modern) // fails only as the broker goes
		return
	}
	log := b.log.With("group", key.group, "member", key.id)
	if err := b.admin.RemoveMember(ctx, key.group, key.id, key.modern); err != nil {
		log.Debug("broker: cannot take a dead member out of its group", "error", err)
		return
	}
	log.Info("broker: took a member whose connections are gone out of its group")
}
