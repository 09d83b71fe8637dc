package answers

import (
	"regexp"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() { on((*Mender).consumerGroupHeartbeat) }

// maxMembers bounds how many members' partitions are kept: some never say that they
// leave.
const maxMembers = 10_000

// ownedTopics are the partitions that a member of a consumer group has.
type ownedTopics = []kmsg.ConsumerGroupHeartbeatRequestTopic

// heartbeats are what members of consumer groups last said to have, by group and
// member. The zero value is ready.
type heartbeats struct {
	mu   sync.Mutex
	last map[[2]string]ownedTopics
}

// said notes what a member has.
func (h *heartbeats) said(member [2]string, owned ownedTopics) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil || len(h.last) >= maxMembers {
		h.last = make(map[[2]string]ownedTopics)
	}
	h.last[member] = owned
}

// forget lets go of a member that leaves.
func (h *heartbeats) forget(member [2]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.last, member)
}

// of is what a member has; empty, not nil, where it is not known.
func (h *heartbeats) of(member [2]string) ownedTopics {
	h.mu.Lock()
	defer h.mu.Unlock()
	if owned := h.last[member]; owned != nil {
		return owned
	}
	return ownedTopics{}
}

// consumerGroupHeartbeat: members say only what has changed (KIP-848), as Java's do.
// kfake reads a new subscription only where a member says at once what it has and how
// long it needs to rebalance, and loses it otherwise: the member stays without its
// partitions. It answers INVALID_REQUEST for a pattern that is none.
func (m *Mender) consumerGroupHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) Exchange {
	member := [2]string{req.Group, req.MemberID}
	switch {
	case req.MemberEpoch < 0:
		m.heartbeats.forget(member)
		return Exchange{}
	case req.Topics != nil && req.MemberID != "":
		m.heartbeats.said(member, req.Topics)
	}
	x := Exchange{}
	if req.MemberEpoch > 0 && (req.SubscribedTopicNames != nil || req.SubscribedTopicRegex != nil) {
		if req.Topics == nil {
			req.Topics, x.Changed = m.heartbeats.of(member), true
		}
		if req.RebalanceTimeoutMillis == -1 {
			req.RebalanceTimeoutMillis, x.Changed = 300_000, true // any that is one: kfake reads it when a member joins
		}
	}
	if pattern := req.SubscribedTopicRegex; pattern != nil {
		if _, err := regexp.Compile(*pattern); err != nil {
			x.Complete = func(resp kmsg.Response) {
				a := resp.(*kmsg.ConsumerGroupHeartbeatResponse)
				if text := err.Error(); a.ErrorCode == kerr.InvalidRequest.Code {
					a.ErrorCode, a.ErrorMessage = kerr.InvalidRegularExpression.Code, &text
				}
			}
		}
	}
	return x
}
