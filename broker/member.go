package broker

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

const (
	// reconnectGrace is how long a group member may have no connection before
	// the guard says that it has left. Clients reconnect within it.
	reconnectGrace = time.Second
	// restoredGrace is how long a member may stay away after a kill of the broker:
	// several heartbeats of any client, and the pauses before it connects again.
	restoredGrace = 10 * time.Second
	// maxMembers bounds the members followed per connection.
	maxMembers = 256
	// removeTimeout bounds one request to leave.
	removeTimeout = 5 * time.Second
)

// memberKey names a member of a consumer group.
type memberKey struct {
	group, id string
	kip848    bool // of the protocol of KIP-848
}

// members follows which connections speak for which group member. A member
// whose connections are all gone has died without leaving: left alone, its
// partitions would stall until its session times out.
type members struct {
	remove func(context.Context, memberKey)

	ctx     context.Context
	stop    context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	known  map[memberKey]*member
	byConn map[*guardedConn]map[memberKey]struct{}
}

// member has the connections that speak for it, or else a timer.
type member struct {
	conns map[*guardedConn]struct{}
	timer *time.Timer
}

func newMembers(expel func(context.Context, memberKey)) *members {
	ctx, stop := context.WithCancel(context.Background())
	return &members{
		remove: expel, ctx: ctx, stop: stop,
		known:  make(map[memberKey]*member),
		byConn: make(map[*guardedConn]map[memberKey]struct{}),
	}
}

// track notes that the connection speaks for the member.
func (m *members) track(g *guardedConn, key memberKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || g.isClosed() || key.id == "" {
		return
	}
	spoken := m.byConn[g]
	if _, ok := spoken[key]; ok || len(spoken) >= maxMembers {
		return
	}
	if spoken == nil {
		spoken = make(map[memberKey]struct{})
		m.byConn[g] = spoken
	}
	spoken[key] = struct{}{}
	who := m.known[key]
	if who == nil {
		who = &member{conns: make(map[*guardedConn]struct{})}
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
		key := memberKey{group: r.Group, id: r.ID, kip848: r.Modern}
		if r.Static || m.closed || m.known[key] != nil {
			continue
		}
		who := &member{conns: make(map[*guardedConn]struct{})}
		m.known[key] = who
		grace := restoredGrace
		if r.Placeholder || r.Replaced {
			grace = 0
		}
		who.timer = time.AfterFunc(grace, func() { m.expire(key, who) })
	}
}

// untrack notes that the member has said itself that it leaves.
func (m *members) untrack(key memberKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	who := m.known[key]
	if who == nil {
		return
	}
	delete(m.known, key)
	for g := range who.conns {
		delete(m.byConn[g], key)
	}
	if who.timer != nil {
		who.timer.Stop()
	}
}

// connClosed notes that a connection has closed.
func (m *members) connClosed(g *guardedConn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := m.byConn[g]
	delete(m.byConn, g)
	for key := range keys {
		who := m.known[key]
		delete(who.conns, g)
		if len(who.conns) == 0 && !m.closed {
			who.timer = time.AfterFunc(reconnectGrace, func() { m.expire(key, who) })
		}
	}
}

// expire expels a member that has stayed without a connection.
func (m *members) expire(key memberKey, who *member) {
	m.mu.Lock()
	if m.closed || m.known[key] != who || len(who.conns) > 0 {
		m.mu.Unlock()
		return
	}
	delete(m.known, key)
	m.working.Add(1)
	m.mu.Unlock()
	defer m.working.Done()
	m.remove(m.ctx, key)
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

// observe notes what a request of the group protocols says about its member. A
// static member (one with an instance id) is meant to come back, and is left
// to its session timeout.
func (m *members) observe(g *guardedConn, req kmsg.Request) {
	note := func(group, id string, instance *string) {
		if instance == nil {
			m.track(g, memberKey{group: group, id: id})
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
		m.untrack(memberKey{group: r.Group, id: r.MemberID})
		for _, who := range r.Members {
			m.untrack(memberKey{group: r.Group, id: who.MemberID})
		}
	case *kmsg.ConsumerGroupHeartbeatRequest:
		key := memberKey{group: r.Group, id: r.MemberID, kip848: true}
		if r.MemberEpoch < 0 {
			m.untrack(key)
		} else if r.InstanceID == nil {
			m.track(g, key)
		}
	}
}

// removeMember has a member leave, by the request that the member would have sent.
func (b *Broker) removeMember(ctx context.Context, key memberKey) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	if key.id == membership.PlaceholderID {
		_ = b.admin.RemoveMember(ctx, key.group, key.id, key.kip848) // fails only as the broker goes
		return
	}
	log := b.log.With("group", key.group, "member", key.id)
	if err := b.admin.RemoveMember(ctx, key.group, key.id, key.kip848); err != nil {
		log.Debug("broker: cannot take a dead member out of its group", "error", err)
		return
	}
	log.Info("broker: took a member whose connections are gone out of its group")
}
