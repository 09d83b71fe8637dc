// Package liveness finds the members of consumer groups that have died, by their
// connections.
package liveness

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

const (
	// reconnectGrace is how long a group member may have no connection before
	// it is removed. Clients reconnect within it.
	reconnectGrace = time.Second
	// restoredGrace is how long a member may stay away after a kill of the broker:
	// several heartbeats of any client, and the pauses before it connects again.
	restoredGrace = 10 * time.Second
	// maxMembers bounds the members followed per connection.
	maxMembers = 256
	// removeTimeout bounds one request to leave.
	removeTimeout = 5 * time.Second
)

// Conn is a connection of a client.
type Conn interface {
	// IsClosed reports whether it has ended.
	IsClosed() bool
}

// Key names a member of a consumer group.
type Key struct {
	Group, ID string
	KIP848    bool // of the protocol of KIP-848
}

// Members follows which connections each group member uses. A member
// whose connections are all gone has died without leaving: left alone, its
// partitions would stall until its session times out.
type Members struct {
	remove func(context.Context, Key)

	ctx     context.Context
	stop    context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	known  map[Key]*member
	byConn map[Conn]map[Key]struct{}
}

// member has the connections that it uses, or else a timer.
type member struct {
	conns map[Conn]struct{}
	timer *time.Timer
}

// New follows members, and calls remove for each that has died.
func New(remove func(context.Context, Key)) *Members {
	ctx, stop := context.WithCancel(context.Background())
	return &Members{
		remove: remove, ctx: ctx, stop: stop,
		known:  make(map[Key]*member),
		byConn: make(map[Conn]map[Key]struct{}),
	}
}

// track notes that the member uses the connection.
func (m *Members) track(g Conn, key Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || g.IsClosed() || key.ID == "" {
		return
	}
	spoken := m.byConn[g]
	if _, ok := spoken[key]; ok || len(spoken) >= maxMembers {
		return
	}
	if spoken == nil {
		spoken = make(map[Key]struct{})
		m.byConn[g] = spoken
	}
	spoken[key] = struct{}{}
	who := m.known[key]
	if who == nil {
		who = &member{conns: make(map[Conn]struct{})}
		m.known[key] = who
	}
	who.conns[g] = struct{}{}
	if who.timer != nil {
		who.timer.Stop()
		who.timer = nil
	}
}

// Await waits for members that a kill of the broker has left without connections, but
// for those that others replace. A static one is left to its session timeout.
func (m *Members) Await(restored []membership.Member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range restored {
		key := Key{Group: r.Group, ID: r.ID, KIP848: r.Modern}
		if r.Static || m.closed || m.known[key] != nil {
			continue
		}
		who := &member{conns: make(map[Conn]struct{})}
		m.known[key] = who
		grace := restoredGrace
		if r.Placeholder || r.Replaced {
			grace = 0
		}
		who.timer = time.AfterFunc(grace, func() { m.expire(key, who) })
	}
}

// untrack notes that the member has said itself that it leaves.
func (m *Members) untrack(key Key) {
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

// Closed notes that a connection has closed.
func (m *Members) Closed(g Conn) {
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

// expire removes a member that has stayed without a connection.
func (m *Members) expire(key Key, who *member) {
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

// Close stops following, and waits for requests under way.
func (m *Members) Close() {
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

// Observe notes what a request of the group protocols says about its member. A
// static member (one with an instance id) is meant to come back, and is left
// to its session timeout.
func (m *Members) Observe(g Conn, req kmsg.Request) {
	note := func(group, id string, instance *string) {
		if instance == nil {
			m.track(g, Key{Group: group, ID: id})
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
		m.untrack(Key{Group: r.Group, ID: r.MemberID})
		for _, who := range r.Members {
			m.untrack(Key{Group: r.Group, ID: who.MemberID})
		}
	case *kmsg.ConsumerGroupHeartbeatRequest:
		key := Key{Group: r.Group, ID: r.MemberID, KIP848: true}
		if r.MemberEpoch < 0 {
			m.untrack(key)
		} else if r.InstanceID == nil {
			m.track(g, key)
		}
	}
}

// Admin sends requests of administrators.
type Admin interface {
	RemoveMember(ctx context.Context, group, id string, kip848 bool) error
}

// Leave has members leave, by the request that each would have sent.
func Leave(admin Admin, log *slog.Logger) func(context.Context, Key) {
	return func(ctx context.Context, key Key) {
		ctx, cancel := context.WithTimeout(ctx, removeTimeout)
		defer cancel()
		err := admin.RemoveMember(ctx, key.Group, key.ID, key.KIP848)
		if key.ID == membership.PlaceholderID {
			return // err is that the broker goes
		}
		log := log.With("group", key.Group, "member", key.ID)
		if err != nil {
			log.Debug("broker: cannot take a dead member out of its group", "error", err)
			return
		}
		log.Info("broker: took a member whose connections are gone out of its group")
	}
}
