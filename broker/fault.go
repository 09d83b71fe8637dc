package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// ActiveFault is a fault that is on. Its methods are safe for concurrent use.
type ActiveFault struct {
	view.FaultSpec
	broker  *Broker
	topicID [16]byte // what newer clients fetch by
	native  []kfake.Fault
	ended   chan struct{}
	once    sync.Once
	hits    atomic.Int64

	handle *kfake.FaultHandle // guarded by faults.mu
}

// Hits is how many requests, or records where they are lost or doubled, were hit.
func (f *ActiveFault) Hits() int64 { return f.hits.Load() }

// End ends the fault: what a delay holds back goes on, and a broker that
// is away is back when it returns.
func (f *ActiveFault) End() {
	f.once.Do(func() {
		f.broker.faults.remove(f)
		close(f.ended)
		if f.Kind != RestartBroker {
			return
		}
		if err := f.broker.goOnline(); err != nil {
			f.broker.log.Error("the broker did not come back: restart axion", "error", err)
		}
	})
}

// matches reports whether the fault is for a partition, and by its share hits now.
func (f *ActiveFault) matches(topic string, partition int32) bool {
	return f.Target == topic && (f.Partition == nil || *f.Partition == partition) && f.sample()
}

func (f *ActiveFault) sample() bool { return f.Percent >= 100 || rand.IntN(100) < f.Percent }

// InjectFault breaks something on purpose until the fault's End is called. The error
// says what is wrong with the fault, or that the broker is away.
func (b *Broker) InjectFault(f view.FaultSpec) (view.FaultHandle, error) {
	broken := &ActiveFault{FaultSpec: f, broker: b, ended: make(chan struct{})}
	var err error
	switch f.Kind {
	case RestartBroker:
		if err = b.goOffline(); err == nil {
			broken.hits.Add(1)
		}
	case LoseCoordinator:
		broken.loseCoordinator()
	case FailTopic:
		if err = broken.aim(); err == nil {
			err = broken.failTopic()
		}
	case DelayTopic, DuplicateTopic, DropTopic:
		err = broken.aim()
	default:
		err = fmt.Errorf("the broker has no fault of the kind %q", f.Kind)
	}
	if err != nil {
		return nil, err
	}
	b.faults.add(broken)
	return broken, nil
}

// aim finds the topic.
func (f *ActiveFault) aim() error {
	err := errors.New("the broker is away")
	f.broker.withCluster(func(c *kfake.Cluster) {
		err = nil
		if info := c.TopicInfo(f.Target); info == nil {
			err = fmt.Errorf("the broker has no topic %q: the dashboard's Topics page lists them", f.Target)
		} else if f.Partition != nil && c.PartitionInfo(f.Target, *f.Partition) == nil {
			err = fmt.Errorf("topic %q has no partition %d", f.Target, *f.Partition)
		} else {
			f.topicID = info.TopicID
		}
	})
	return err
}

// count is a kfake fault's When: it takes the fault's share, and counts.
func (f *ActiveFault) count(kmsg.Request) bool {
	hit := f.sample()
	if hit {
		f.hits.Add(1)
	}
	return hit
}

func (f *ActiveFault) failTopic() error {
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

func (f *ActiveFault) loseCoordinator() {
	lost := kfake.Fault{Group: f.Target, Count: -1, When: f.count}
	asked, used := lost, lost
	asked.Keys, asked.Err = []kmsg.Key{kmsg.FindCoordinator}, kerr.CoordinatorNotAvailable
	used.Keys, used.Err = []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup,
		kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.ConsumerGroupHeartbeat, kmsg.TxnOffsetCommit}, kerr.NotCoordinator
	f.native = []kfake.Fault{asked, used}
}

// faults are those that are on. Without any, a request costs an atomic load.
type faults struct {
	// guardFaults are those that the guard itself carries out; nil for none.
	guardFaults atomic.Pointer[[]*ActiveFault]
	dropTracker dropTracker
	duplicates  chan duplicate

	mu  sync.Mutex
	all []*ActiveFault
}

func (s *faults) add(f *ActiveFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, f)
	f.install()
	s.publish()
}

func (s *faults) remove(f *ActiveFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *ActiveFault) bool { return other == f })
	if f.handle != nil {
		f.handle.Remove()
	}
	s.publish()
}

// install has kfake carry out what it can; each new cluster needs it anew.
func (f *ActiveFault) install() {
	if len(f.native) > 0 {
		f.broker.withCluster(func(c *kfake.Cluster) { f.handle = c.Fault(f.native...) })
	}
}

// reinstall installs the faults in a new cluster.
func (s *faults) reinstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		f.install()
	}
}

// publish shares the faults with the guard. The caller holds mu.
func (s *faults) publish() {
	guards := slices.DeleteFunc(slices.Clone(s.all), func(f *ActiveFault) bool {
		return f.Kind != DelayTopic && f.Kind != DuplicateTopic && f.Kind != DropTopic
	})
	if len(guards) == 0 {
		s.guardFaults.Store(nil)
		return
	}
	s.guardFaults.Store(&guards)
}

// clear ends every fault, for good: a broker that is away stays so.
func (s *faults) clear() {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	for _, f := range all {
		f.once.Do(func() {
			s.remove(f)
			close(f.ended)
		})
	}
}

// produce reports whether the guard has to see what is produced.
func (s *faults) produce() bool { return s.guardFaults.Load() != nil || s.dropTracker.any.Load() }

// byKind lists those of a kind that the guard carries out.
func (s *faults) byKind(kind string) []*ActiveFault {
	all := s.guardFaults.Load()
	if all == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(*all), func(f *ActiveFault) bool { return f.Kind != kind })
}
