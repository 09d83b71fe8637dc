// Package fault injects faults into the broker: kfake carries out some of them, the guard
// in front of it the others.
package fault

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/web/view"
)

// Kinds of faults.
const (
	// DelayTopic answers a produce, and a fetch that brings records, later.
	DelayTopic = view.FaultTopicDelay
	// FailTopic answers produces and fetches with an error of Kafka.
	FailTopic = view.FaultTopicError
	// DuplicateTopic writes what is produced a second time, once the first is
	// answered; not what is part of a transaction.
	DuplicateTopic = view.FaultTopicDuplicate
	// DropTopic answers a produce as done, and loses the records.
	DropTopic = view.FaultTopicDrop
	// LoseCoordinator has requests of consumer groups find no coordinator.
	LoseCoordinator = view.FaultCoordinatorLost
	// RestartBroker takes the broker off the net until the fault ends.
	RestartBroker = view.FaultBrokerRestart
)

// Active is a fault that is on. Its methods are safe for concurrent use.
type Active struct {
	view.FaultSpec
	topicID [16]byte // what newer clients fetch by
	native  []kfake.Fault
	once    sync.Once
	onEnd   func()
	ended   chan struct{}
	hits    atomic.Int64

	handle *kfake.FaultHandle // guarded by Set.mu
}

// Hits is how many requests, or records where they are lost or doubled, were hit.
func (f *Active) Hits() int64 { return f.hits.Load() }

// End ends the fault: what a delay holds back goes on, and a broker that
// is away is back when it returns.
func (f *Active) End() { f.once.Do(f.onEnd) }

// matches reports whether the fault is for a partition, and by its share hits now.
func (f *Active) matches(topic string, partition int32) bool {
	return f.Target == topic && (f.Partition == nil || *f.Partition == partition) && f.sample()
}

// sample reports whether the fault hits, by its share.
func (f *Active) sample() bool { return f.Percent >= 100 || rand.IntN(100) < f.Percent }

// resolveTarget finds the topic.
func (f *Active) resolveTarget(c *kfake.Cluster) error {
	info := c.TopicInfo(f.Target)
	if info == nil {
		return fmt.Errorf("the broker has no topic %q: the dashboard's Topics page lists them", f.Target)
	}
	if f.Partition != nil && c.PartitionInfo(f.Target, *f.Partition) == nil {
		return fmt.Errorf("topic %q has no partition %d", f.Target, *f.Partition)
	}
	f.topicID = info.TopicID
	return nil
}

// count is a kfake fault's When: it samples the fault, and counts its hits.
func (f *Active) count(kmsg.Request) bool {
	hit := f.sample()
	if hit {
		f.hits.Add(1)
	}
	return hit
}

// failTopic has kfake fail requests of the topic.
func (f *Active) failTopic() error {
	code := errorNamed(f.Code)
	if code == nil {
		return fmt.Errorf("Kafka has no error %q: use its name, such as NOT_LEADER_FOR_PARTITION or "+ //nolint:staticcheck // a name
			"REQUEST_TIMED_OUT", f.Code)
	}
	fault := kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Fetch}, Topic: f.Target, Err: code, Count: -1, When: f.count}
	if f.Partition != nil {
		fault.Partitions = []int32{*f.Partition}
	}
	f.native = []kfake.Fault{fault}
	return nil
}

// maxError is above Kafka's highest code of an error.
const maxError = 256

// errorNamed finds an error of Kafka by its name, in any case; nil where there
// is none.
func errorNamed(name string) *kerr.Error {
	for code := int16(-1); code < maxError; code++ {
		if e := kerr.TypedErrorForCode(code); e != nil && e.Code == code && strings.EqualFold(e.Message, name) {
			return e
		}
	}
	return nil
}

// loseCoordinator has kfake fail requests of the group.
func (f *Active) loseCoordinator() {
	lost := kfake.Fault{Group: f.Target, Count: -1, When: f.count}
	asked, used := lost, lost
	asked.Keys, asked.Err = []kmsg.Key{kmsg.FindCoordinator}, kerr.CoordinatorNotAvailable
	used.Keys, used.Err = []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup,
		kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.ConsumerGroupHeartbeat, kmsg.TxnOffsetCommit}, kerr.NotCoordinator
	f.native = []kfake.Fault{asked, used}
}
