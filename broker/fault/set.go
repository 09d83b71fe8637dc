package fault

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"

	"axion/broker/live"
	"axion/web/view"
)

// Broker goes off the net and comes back, for [RestartBroker].
type Broker interface {
	GoOffline() error
	GoOnline() error
}

// Set is the faults that are on. Without any, a request costs an atomic load. It is safe
// for concurrent use.
type Set struct {
	cluster *live.Cluster
	broker  Broker
	log     *slog.Logger

	// guarded are those that the guard itself carries out; nil for none.
	guarded    atomic.Pointer[[]*Active]
	dropped    dropTracker
	duplicates chan duplicate

	mu  sync.Mutex
	all []*Active
}

// NewSet is for the faults of a broker, none at first.
func NewSet(cluster *live.Cluster, broker Broker, log *slog.Logger) *Set {
	return &Set{cluster: cluster, broker: broker, log: log, duplicates: make(chan duplicate, maxDuplicates)}
}

// Inject has a fault be on until its End is called. The error says what is wrong with
// it, or that the broker is away.
func (s *Set) Inject(spec view.FaultSpec) (*Active, error) {
	f := &Active{FaultSpec: spec, ended: make(chan struct{})}
	f.onEnd = func() { s.end(f) }
	var err error
	switch f.Kind {
	case RestartBroker:
		if err = s.broker.GoOffline(); err == nil {
			f.hits.Add(1)
		}
	case LoseCoordinator:
		f.loseCoordinator()
	case FailTopic:
		if err = s.resolveTarget(f); err == nil {
			err = f.failTopic()
		}
	case DelayTopic, DuplicateTopic, DropTopic:
		err = s.resolveTarget(f)
	default:
		err = fmt.Errorf("the broker has no fault of the kind %q", f.Kind)
	}
	if err != nil {
		return nil, err
	}
	s.add(f)
	return f, nil
}

// resolveTarget finds the topic of a fault.
func (s *Set) resolveTarget(f *Active) (err error) {
	if !s.cluster.With(func(c *kfake.Cluster) { err = f.resolveTarget(c) }) {
		return errors.New("the broker is away")
	}
	return err
}

// end is [Active.End].
func (s *Set) end(f *Active) {
	s.remove(f)
	close(f.ended)
	if f.Kind != RestartBroker {
		return
	}
	if err := s.broker.GoOnline(); err != nil {
		s.log.Error("the broker did not come back: restart axion", "error", err)
	}
}

func (s *Set) add(f *Active) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, f)
	s.install(f)
	s.publish()
}

func (s *Set) remove(f *Active) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *Active) bool { return other == f })
	if f.handle != nil {
		f.handle.Remove()
	}
	s.publish()
}

// install has kfake carry out what it can; each new cluster needs it anew. The caller
// holds mu.
func (s *Set) install(f *Active) {
	if len(f.native) > 0 {
		s.cluster.With(func(c *kfake.Cluster) { f.handle = c.Fault(f.native...) })
	}
}

// Reinstall installs the faults in a new cluster.
func (s *Set) Reinstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		s.install(f)
	}
}

// publish shares the faults with the guard. The caller holds mu.
func (s *Set) publish() {
	guarded := slices.DeleteFunc(slices.Clone(s.all), func(f *Active) bool {
		return f.Kind != DelayTopic && f.Kind != DuplicateTopic && f.Kind != DropTopic
	})
	if len(guarded) == 0 {
		s.guarded.Store(nil)
		return
	}
	s.guarded.Store(&guarded)
}

// Clear ends every fault, for good: a broker that is away stays so.
func (s *Set) Clear() {
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

// Len is how many are on.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// OnProduce reports whether the guard has to see what is produced.
func (s *Set) OnProduce() bool { return s.guarded.Load() != nil || s.dropped.any.Load() }

// byKind lists those of a kind that the guard carries out.
func (s *Set) byKind(kind string) []*Active {
	all := s.guarded.Load()
	if all == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(*all), func(f *Active) bool { return f.Kind != kind })
}
