package migrate

import (
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerProtocol is the type of the classic protocol that consumers use.
const consumerProtocol = "consumer"

// owned are partitions, by the ids of their topics.
type owned map[[16]byte][]int32

func (o owned) equal(other owned) bool {
	if len(o) != len(other) {
		return false
	}
	for id, partitions := range o {
		if !slices.Equal(partitions, other[id]) {
			return false
		}
	}
	return true
}

// member is a member of the classic protocol in a group of the consumer protocol.
type member struct {
	group, id string
	instance  *string // nil for none

	mu            sync.Mutex
	protocol      string // the name of its first assignor, which is the group's to it
	topics        []string
	timeout       int32 // for a rebalance, in milliseconds
	epoch         int32 // of the consumer protocol; 0 before it joins
	generation    int32 // what it was sent when it joined
	anyGeneration bool
	rejoin        bool  // it is to join again
	given         owned // by kfake
	has           owned // as it was sent
}

func newMember(group, id string, instance *string, protocol string) *member {
	return &member{group: group, id: id, instance: instance, protocol: protocol, timeout: 60_000, given: owned{}, has: owned{}}
}

// subscribe reads what a member says of itself, and reports whether it can be read.
func (m *member) subscribe(metadata []byte) bool {
	var said kmsg.ConsumerMemberMetadata
	if err := said.ReadFrom(metadata); err != nil {
		return false
	}
	m.topics = append([]string{}, said.Topics...)
	return true
}

// claimed are the partitions that a member still has when it joins again: none, unless
// it rebalances cooperatively.
func claimed(metadata []byte, ids map[string][16]byte) owned {
	var said kmsg.ConsumerMemberMetadata
	claim := owned{}
	if err := said.ReadFrom(metadata); err != nil {
		return claim
	}
	for _, t := range said.OwnedPartitions {
		if id, ok := ids[t.Topic]; ok && len(t.Partitions) > 0 {
			claim[id] = slices.Sorted(slices.Values(t.Partitions))
		}
	}
	return claim
}

// beat sends a heartbeat for a member that has these partitions, and notes what it is
// given. It returns the code of the error. The caller holds m.mu.
func (g *Groups) beat(m *member, has owned) int16 {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = m.group, m.id, m.epoch, m.instance
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames = m.timeout, m.topics
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if m.epoch != 0 {
		for id, partitions := range has {
			t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
			t.TopicID, t.Partitions = id, partitions
			req.Topics = append(req.Topics, t)
		}
	}
	a, ok := ask[*kmsg.ConsumerGroupHeartbeatResponse](g, req)
	if !ok {
		return kerr.CoordinatorNotAvailable.Code
	}
	if a.ErrorCode != 0 {
		return a.ErrorCode
	}
	m.epoch = a.MemberEpoch
	if a.Assignment != nil {
		m.given = owned{}
		for _, t := range a.Assignment.Topics {
			if len(t.Partitions) > 0 {
				m.given[t.TopicID] = slices.Sorted(slices.Values(t.Partitions))
			}
		}
	}
	return 0
}

// end has a member leave.
func (g *Groups) end(m *member) {
	g.drop(m)
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = m.group, m.id, -1, m.instance
	_, _ = ask[*kmsg.ConsumerGroupHeartbeatResponse](g, req) // it may be gone already
}

// topicIDs are the ids of all topics, and names their names.
func (g *Groups) topicIDs() (ids map[string][16]byte, names map[[16]byte]string) {
	ids, names = make(map[string][16]byte), make(map[[16]byte]string)
	a, ok := ask[*kmsg.MetadataResponse](g, kmsg.NewPtrMetadataRequest())
	if !ok {
		return ids, names
	}
	for _, t := range a.Topics {
		if t.Topic != nil {
			ids[*t.Topic], names[t.TopicID] = t.TopicID, *t.Topic
		}
	}
	return ids, names
}
