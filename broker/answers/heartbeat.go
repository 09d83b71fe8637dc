package answers

import (
	"fmt"
	"regexp/syntax"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() { on(groups.consumerGroupHeartbeat) }

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
func (m groups) consumerGroupHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) Exchange {
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
		if err := checkPattern(*pattern); err != nil {
			none := "(" // kfake would compile one that is too large
			req.SubscribedTopicRegex, x.Changed = &none, true
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

// maxInstructions bounds what a subscription's pattern compiles to: {1000} is short to
// write, and the largest that Go compiles takes hundreds of megabytes.
const maxInstructions = 20_000

// checkPattern says what is wrong with a subscription's pattern.
func checkPattern(pattern string) error {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err
	}
	if sizeOf(tree) > maxInstructions {
		return fmt.Errorf("the pattern has more than %d instructions: name fewer topics in it, or lower the numbers in { }", maxInstructions)
	}
	return nil
}

// sizeOf is about how many instructions an expression compiles to. It stops counting
// beyond the bound.
func sizeOf(tree *syntax.Regexp) int {
	size := 1
	if tree.Op == syntax.OpLiteral {
		size = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		size = min(size+sizeOf(sub), maxInstructions+1)
	}
	if tree.Op == syntax.OpRepeat {
		size = min(size*max(tree.Max, tree.Min+1), maxInstructions+1)
	}
	return size
}
