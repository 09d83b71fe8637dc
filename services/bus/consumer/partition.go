package consumer

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/message"
)

const (
	// waitingBytes are the bytes of one partition's messages that may wait.
	waitingBytes = 8 << 20
	// maxUncommitted bounds the messages that are done but cannot be committed, since
	// one before them is not: so many come again after a crash.
	maxUncommitted = 1 << 16
)

// item is one message between its reading and its commit.
type item struct {
	record *kgo.Record        // nil once done
	batch  *undecodable.Batch // where it is one, in place of a message; record then is of its offset alone
	next   kgo.EpochOffset
	size   int
	done   bool
}

// partition queues the messages of one assigned partition, by key, and records which of
// them are done.
type partition struct {
	s       *session
	topic   string
	id      int32
	ctx     context.Context // of the handlers; ends when they are no longer waited for
	cancel  context.CancelFunc
	stopped chan struct{} // closed by stop
	drained chan struct{} // closed when stopped and nothing is under way

	mu           sync.Mutex
	items        []*item            // in offset order; the first one is not done
	queues       map[string][]*item // by key: what waits behind the message that is handled
	waiting      int                // items that are not done
	bytes        int                // their size
	active       int                // key queues and replies under way
	stopping     bool
	lastStarted  int64           // the highest offset whose handler was called
	saturated    bool            // a bound was reached, and half of it is still exceeded
	paused       bool            // saturated for so long that it is not read
	commit       kgo.EpochOffset // all before it is done; meaningful if uncommitted
	uncommitted  bool            // commit is ahead of the broker's
	topicDeleted bool            // commit is not valid any more
}

func newPartition(s *session, topic string, id int32) *partition {
	p := &partition{
		s: s, topic: topic, id: id,
		stopped: make(chan struct{}), drained: make(chan struct{}),
		queues: make(map[string][]*item), lastStarted: -1,
	}
	p.ctx, p.cancel = context.WithCancel(s.ctx)
	return p
}

// enqueue adds messages in offset order. It never waits.
func (p *partition) enqueue(records []*kgo.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	p.s.conn.Meter.Consumed(p.topic, len(records))
	items := make([]item, len(records))
	for i, r := range records {
		it := &items[i]
		it.record, it.size = r, message.Size(r)
		it.next = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
		p.items = append(p.items, it)
		p.waiting++
		p.bytes += it.size
		if r.Key == nil {
			p.active++
			p.s.workers.do(keyQueue{p: p, it: it})
			continue
		}
		if queue, ok := p.queues[string(r.Key)]; ok {
			p.queues[string(r.Key)] = append(queue, it)
			continue
		}
		key := string(r.Key)
		p.queues[key] = nil
		p.active++
		p.s.workers.do(keyQueue{p: p, it: it, key: key, keyed: true})
	}
	if !p.saturated && p.overLimit(1) {
		p.saturated = true
		p.s.saturated.Add(1)
	}
}

// enqueueBatch is enqueue for a batch that cannot be decoded.
func (p *partition) enqueueBatch(batch *undecodable.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	it := &item{
		record: &kgo.Record{Topic: batch.Topic, Partition: batch.Partition, Offset: batch.First}, batch: batch,
		next: kgo.EpochOffset{Epoch: -1, Offset: batch.Next}, size: len(batch.Raw),
	}
	p.items = append(p.items, it)
	p.waiting++
	p.bytes += it.size
	p.active++
	p.s.workers.do(keyQueue{p: p, it: it})
}

// overLimit reports whether 1/part of a bound is reached.
func (p *partition) overLimit(part int) bool {
	return p.waiting >= p.s.window/part || p.bytes >= waitingBytes/part || len(p.items) >= maxUncommitted/part
}

// next returns the next message of a key, or ends its queue.
func (p *partition) next(key string) *item {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := p.queues[key]
	if len(queue) == 0 || !p.ownedLocked(queue[0].record.Offset) {
		delete(p.queues, key)
		return nil
	}
	p.queues[key] = queue[1:]
	return queue[0]
}

// ownedLocked reports whether this member still handles a message. Once the partition is
// being revoked, it handles those before one that was started: left undone, they would
// keep what is done after them from being committed, and have it come again. The caller
// holds mu.
func (p *partition) ownedLocked(offset int64) bool { return !p.stopping || offset <= p.lastStarted }

// owned is ownedLocked for a caller that does not hold mu.
func (p *partition) owned(offset int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ownedLocked(offset)
}

// markStarted is owned, and records that the message's handler is called.
func (p *partition) markStarted(offset int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ownedLocked(offset) {
		return false
	}
	p.lastStarted = max(p.lastStarted, offset)
	return true
}

// finish records that a message is done.
func (p *partition) finish(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	it.done, it.record = true, nil
	p.waiting--
	p.bytes -= it.size
	ahead := 0
	for ahead < len(p.items) && p.items[ahead].done {
		ahead++
	}
	if ahead > 0 {
		p.commit, p.uncommitted = p.items[ahead-1].next, true
		clear(p.items[:ahead])
		p.items = p.items[ahead:]
		conn.Signal(p.s.commitNeeded)
	}
	if p.saturated && !p.overLimit(2) {
		p.endSaturation()
	}
}

// endSaturation has the partition read again. The caller holds mu.
func (p *partition) endSaturation() {
	p.saturated = false
	p.s.saturated.Add(-1)
	if p.paused {
		p.paused = false
		p.s.client.ResumeFetchPartitions(map[string][]int32{p.topic: {p.id}})
	}
	conn.Signal(p.s.capacity)
}

// blocksPolling reports whether polling should wait for this partition.
func (p *partition) blocksPolling() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saturated && !p.paused
}

// pause reads no more of a saturated partition until the saturation ends.
func (p *partition) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saturated && !p.paused {
		p.paused = true
		p.s.client.PauseFetchPartitions(map[string][]int32{p.topic: {p.id}})
	}
}

// acquire adds to what is under way.
func (p *partition) acquire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active++
}

// release ends what acquire, enqueue or enqueueBatch began.
func (p *partition) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	if p.stopping && p.active == 0 {
		close(p.drained)
	}
}

// stop starts no message any more but those before one that was started.
func (p *partition) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	p.stopping = true
	close(p.stopped)
	if p.saturated { // kgo would keep a pause beyond the assignment
		p.endSaturation()
	}
	if p.active == 0 {
		close(p.drained)
	}
}

// running counts the key queues and replies under way.
func (p *partition) running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active
}

// pendingCommit returns the offset to commit, and whether it is ahead of the committed one.
func (p *partition) pendingCommit() (kgo.EpochOffset, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commit, p.uncommitted && !p.topicDeleted
}

// setStartOffset makes an offset the one to commit, before the first message is done.
func (p *partition) setStartOffset(offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commit, p.uncommitted = kgo.EpochOffset{Epoch: -1, Offset: offset}, true
	conn.Signal(p.s.commitNeeded)
}

// markTopicDeleted ends the commits: one could hide messages of a new topic by that name.
func (p *partition) markTopicDeleted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.topicDeleted = true
}

// markCommitted records a commit.
func (p *partition) markCommitted(o kgo.EpochOffset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.commit == o {
		p.uncommitted = false
	}
}
