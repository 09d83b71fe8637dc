package consumer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
)

// session is one run of a consumer in its group: the partitions that are assigned to it,
// and what they share.
type session struct {
	consumer     *Consumer
	conn         *conn.Conn
	ctx          context.Context // the parent of the handlers' contexts
	client       *kgo.Client
	window       int           // messages of a partition that may wait
	slots        chan struct{} // one for each handler that may run
	commitNeeded chan struct{} // signals that there is something to commit

	workers *workerPool
	reader  *undecodable.Reader

	// saturated counts the partitions that are; capacity signals that one ceased to be.
	saturated atomic.Int32
	capacity  chan struct{}

	commitMu sync.Mutex // one commit at a time

	mu    sync.Mutex // guards parts
	parts map[topicPartition]*partition
	ready sync.Once
}

// topicPartition names a partition.
type topicPartition struct {
	topic string
	id    int32
}

func newSession(ctx context.Context, c *Consumer) *session {
	s := &session{
		consumer: c, conn: c.conn, ctx: ctx,
		window:       4 * c.options.MaxInFlight,
		slots:        make(chan struct{}, c.options.MaxInFlight),
		commitNeeded: make(chan struct{}, 1), workers: newWorkerPool(&c.conn.Handling),
		capacity: make(chan struct{}, 1),
		parts:    make(map[topicPartition]*partition),
	}
	s.reader = undecodable.New(s.skip)
	return s
}

// callbacks update parts to the group's assignment. kgo calls them one at
// a time, and not while messages are enqueued.
func (s *session) callbacks() []kgo.Opt {
	return []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			s.assign(assigned)
			s.consumer.lost.Store(false)
			s.ready.Do(func() { close(s.consumer.ready) })
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, revoked map[string][]int32) {
			s.onRevoked(ctx, revoked, true)
		}),
		kgo.OnPartitionsLost(func(ctx context.Context, _ *kgo.Client, lost map[string][]int32) {
			s.consumer.lost.Store(true)
			s.onRevoked(ctx, lost, false)
		}),
		kgo.AdjustFetchOffsetsFn(s.commitStartOffsets),
	}
}

func (s *session) assign(assigned map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, ids := range assigned {
		for _, id := range ids {
			s.parts[topicPartition{topic, id}] = newPartition(s, topic, id)
		}
	}
}

// onRevoked ends partitions. Those that were lost are another member's
// already, so that there is nothing to commit; the wait for their handlers
// keeps the order within keys should they be assigned again.
func (s *session) onRevoked(ctx context.Context, revoked map[string][]int32, commit bool) {
	var parts []*partition
	for topic, ids := range revoked {
		for _, id := range ids {
			if p := s.partition(topic, id); p != nil {
				parts = append(parts, p)
			}
		}
	}
	if err := s.revoke(parts); err != nil {
		s.conn.Log.Warn("revoke partitions", "error", err)
	}
	if commit {
		if err := s.commit(ctx); err != nil {
			s.conn.Log.Warn("revoke partitions; some messages will come again", "error", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		delete(s.parts, topicPartition{p.topic, p.id})
	}
}

// revoke stops partitions and waits for the handlers that run, for the drain
// timeout at most; then it cancels the context of those that still do.
func (s *session) revoke(parts []*partition) error {
	for _, p := range parts {
		p.stop()
	}
	s.conn.Log.Debug("revoke partitions once their running handlers return", "partitions", len(parts))
	timer := time.NewTimer(s.consumer.options.DrainTimeout)
	defer timer.Stop()
	left := 0
	for _, p := range parts {
		select {
		case <-p.drained:
		case <-timer.C:
			timer.Reset(0) // the time is over for the others too
			left += p.running()
		}
		p.cancel()
	}
	if left > 0 {
		return fmt.Errorf("%s after %s", english.Plural(left, "handler still runs", "handlers still run"), s.consumer.options.DrainTimeout)
	}
	return nil
}

// partition returns an assigned partition, or nil.
func (s *session) partition(topic string, id int32) *partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts[topicPartition{topic, id}]
}

// all returns the assigned partitions.
func (s *session) all() []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := make([]*partition, 0, len(s.parts))
	for _, p := range s.parts {
		parts = append(parts, p)
	}
	return parts
}
