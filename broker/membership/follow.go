package membership

import (
	"reflect"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Follow takes in a request of a group protocol before the broker sees it. What it
// returns takes the answer in, and is to be called before the client gets that; nil
// means that no answer is of interest. A nil Journal follows nothing.
func (j *Journal) Follow(c Client, req kmsg.Request) func(kmsg.Response) {
	if j == nil {
		return nil
	}
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		return func(resp kmsg.Response) { j.joined(c, r, resp.(*kmsg.JoinGroupResponse)) }
	case *kmsg.SyncGroupRequest:
		j.assigned(r)
	case *kmsg.LeaveGroupRequest:
		return func(resp kmsg.Response) { j.left(r, resp.(*kmsg.LeaveGroupResponse)) }
	case *kmsg.ConsumerGroupHeartbeatRequest:
		return func(resp kmsg.Response) { j.heartbeat(c, r, resp.(*kmsg.ConsumerGroupHeartbeatResponse)) }
	}
	return nil
}

// joined notes a member of a generation. The answer to the leader lists them all.
func (j *Journal) joined(c Client, r *kmsg.JoinGroupRequest, resp *kmsg.JoinGroupResponse) {
	if resp.ErrorCode != 0 {
		return
	}
	m := &member{
		ID: resp.MemberID, Instance: r.InstanceID, ClientID: c.ID, Host: c.Host, Local: c.Local,
		Rebalance: r.RebalanceTimeoutMillis, Session: r.SessionTimeoutMillis, Generation: resp.Generation,
	}
	for _, p := range r.Protocols {
		m.Protocols = append(m.Protocols, p.Name)
	}
	e := entry{Group: r.Group, Generation: resp.Generation, Leader: resp.LeaderID, Member: m}
	for _, other := range resp.Members {
		e.Keep = append(e.Keep, other.MemberID)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if g := j.groups[r.Group]; g != nil && !g.modern {
		if g.generation > e.Generation {
			return // an answer that was overtaken
		}
		old := g.members[m.ID]
		if was := replaced(g, m); was != nil {
			old, e.Replaces = was, was.ID
		}
		if old != nil { // which it has until the leader assigns anew
			m.Assignment, m.Assigned = old.Assignment, old.Assigned
		}
	}
	j.note(e)
}

// replaced is the member that a static one takes the place of, or nil.
func replaced(g *group, m *member) *member {
	for _, old := range g.members {
		if m.Instance != nil && old.Instance != nil && *old.Instance == *m.Instance && old.ID != m.ID {
			return old
		}
	}
	return nil
}

// assigned notes what a leader assigns, before the broker knows it: whether it had
// come to that or not, the leader's word stands for this generation.
func (j *Journal) assigned(r *kmsg.SyncGroupRequest) {
	j.mu.Lock()
	defer j.mu.Unlock()
	g := j.groups[r.Group]
	if g == nil || g.modern || g.leader != r.MemberID || g.generation != r.Generation {
		return
	}
	e := entry{Group: r.Group, Generation: r.Generation, Assign: make(map[string][]byte)}
	for id := range g.members {
		e.Assign[id] = nil // to those that the leader does not name
	}
	for _, a := range r.GroupAssignment {
		e.Assign[a.MemberID] = a.MemberAssignment
	}
	j.note(e)
}

// left notes members that have left.
func (j *Journal) left(r *kmsg.LeaveGroupRequest, resp *kmsg.LeaveGroupResponse) {
	e := entry{Group: r.Group}
	if r.Version < 3 && resp.ErrorCode == 0 {
		e.Gone = append(e.Gone, r.MemberID)
	}
	for _, m := range resp.Members {
		if m.ErrorCode == 0 {
			e.Gone = append(e.Gone, m.MemberID)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if g := j.groups[r.Group]; g != nil && !g.modern && len(e.Gone) > 0 {
		j.note(e)
	}
}

// heartbeat notes a member of the protocol of KIP-848 where it has changed.
func (j *Journal) heartbeat(c Client, r *kmsg.ConsumerGroupHeartbeatRequest, resp *kmsg.ConsumerGroupHeartbeatResponse) {
	if resp.ErrorCode != 0 {
		return
	}
	id := r.MemberID
	if resp.MemberID != nil {
		id = *resp.MemberID
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var old *member
	g := j.groups[r.Group]
	if g != nil && g.modern {
		old = g.members[id]
	}
	const leaves, leavesForNow = -1, -2
	if r.MemberEpoch == leaves || r.MemberEpoch == leavesForNow && r.InstanceID == nil {
		if old != nil {
			j.note(entry{Group: r.Group, Modern: true, Gone: []string{id}})
		}
		return
	}
	m := &member{ID: id}
	if old != nil {
		m = old.clone()
	}
	m.Local = c.Local
	m.update(c, r, resp)
	if old == nil || !reflect.DeepEqual(old, m.clone()) {
		e := entry{Group: r.Group, Modern: true, Member: m}
		if g != nil && g.modern {
			if was := replaced(g, m); was != nil {
				e.Replaces = was.ID
			}
		}
		j.note(e)
	}
}

// update takes in what a heartbeat and its answer say.
func (m *member) update(c Client, r *kmsg.ConsumerGroupHeartbeatRequest, resp *kmsg.ConsumerGroupHeartbeatResponse) {
	if r.MemberEpoch == 0 {
		m.ClientID, m.Host, m.Instance, m.Rack = c.ID, c.Host, r.InstanceID, r.RackID
	}
	if r.RebalanceTimeoutMillis > 0 {
		m.Rebalance = r.RebalanceTimeoutMillis
	}
	if r.SubscribedTopicNames != nil {
		m.Topics = slices.Sorted(slices.Values(r.SubscribedTopicNames))
	}
	if r.SubscribedTopicRegex != nil {
		m.Regex = *r.SubscribedTopicRegex != ""
	}
	if r.ServerAssignor != nil {
		m.Assignor = *r.ServerAssignor
	}
	if r.Topics != nil { // what it has: all else is given up
		has := make(assignment)
		for _, t := range r.Topics {
			has[t.TopicID] = t.Partitions
		}
		m.Pending = m.Pending.filter(func(t topicID, p int32) bool { return slices.Contains(has[t], p) })
	}
	if resp.MemberEpoch != m.Epoch {
		m.Previous, m.Epoch = m.Epoch, resp.MemberEpoch
	}
	if resp.Assignment != nil {
		now := make(assignment)
		for _, t := range resp.Assignment.Topics {
			now[t.TopicID] = slices.Clone(t.Partitions)
		}
		m.assign(now)
	}
}

// assign gives a member its partitions as of its present epoch.
func (m *member) assign(now assignment) {
	pending := m.Pending.filter(func(t topicID, p int32) bool { return !slices.Contains(now[t], p) })
	for t, parts := range m.Owned {
		for _, p := range parts {
			if !slices.Contains(now[t], p) && !slices.Contains(pending[t], p) {
				pending[t] = append(pending[t], p)
			}
		}
	}
	since := make(map[topicID]map[int32]int32)
	for t, parts := range now {
		since[t] = make(map[int32]int32)
		for _, p := range parts {
			epoch, ok := m.Since[t][p]
			if !ok {
				epoch = m.Epoch
			}
			since[t][p] = epoch
		}
	}
	m.Owned, m.Pending, m.Since = now, pending, since
}

// filter is what of it keep says.
func (a assignment) filter(keep func(topicID, int32) bool) assignment {
	left := make(assignment)
	for t, parts := range a {
		for _, p := range parts {
			if keep(t, p) {
				left[t] = append(left[t], p)
			}
		}
	}
	return left
}
