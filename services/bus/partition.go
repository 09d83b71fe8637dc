package bus

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

const (
	// waitingBytes are the bytes of one partition's messages that may wait.
	waitingBytes = 8 << 20
	// maxSpan bounds the messages that are done but cannot be committed, since
	// one before them is not: so many come again after a crash.
	maxSpan = 1 << 16
)

// item is one message between its reading and its commit.
type item struct {
	record *kgo.Record        // nil once done
	batch  *undecodable.Batch // where it is one, in place of a message; record then is of its offset alone
	next   kgo.EpochOffset
	size   int
	done   bool
}

// partition deals with the messages of one assigned partition: in order within
// a key, side by side otherwise.
type partition struct {
	c      *consumer
	topic  string
	id     int32
	ctx    context.Context // of the handlers; ends when they are no longer waited for
	cancel context.CancelFunc
	halt   chan struct{} // closed by stop
	idle   chan struct{} // closed when stopped and nothing is under way

	mu      sync.Mutex
	items   []*item            // in offset order; the first one is not done
	lanes   map[string][]*item // by key: what waits behind the message in hand
	waiting int                // items that are not done
	bytes   int                // their size
	active  int                // lanes and replies under way
	stopped bool
	edge    int64           // the furthest offset whose handler began
	crowded bool            // a bound was reached, and half of it is still exceeded
	paused  bool            // crowded for so long that it is not read
	commit  kgo.EpochOffset // all before it is done; meaningful if moved
	moved   bool            // commit is ahead of the broker's
	lost    bool            // the topic was deleted: commit means nothing any more
}

func newPartition(c *consumer, topic string, id int32) *partition {
	p := &partition{
		c: c, topic: topic, id: id,
		halt: make(chan struct{}), idle: make(chan struct{}),
		lanes: make(map[string][]*item), edge: -1,
	}
	p.ctx, p.cancel = context.WithCancel(c.ctx)
	return p
}

// take accepts messages in offset order. It never waits.
func (p *partition) take(records []*kgo.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.c.bus.meter.consumed(p.topic, len(records))
	items := make([]item, len(records))
	for i, r := range records {
		it := &items[i]
		it.record, it.size = r, recordSize(r)
		it.next = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
		p.items = append(p.items, it)
		p.waiting++
		p.bytes += it.size
		if r.Key == nil {
			p.active++
			p.c.workers.do(lane{p: p, it: it})
			continue
		}
		if queue, ok := p.lanes[string(r.Key)]; ok {
			p.lanes[string(r.Key)] = append(queue, it)
			continue
		}
		key := string(r.Key)
		p.lanes[key] = nil
		p.active++
		p.c.workers.do(lane{p: p, it: it, key: key, keyed: true})
	}
	if !p.crowded && p.full(1) {
		p.crowded = true
		p.c.crowded.Add(1)
	}
}

// full reports whether 1/part of a bound is reached.
func (p *partition) full(part int) bool {
	return p.waiting >= p.c.window/part || p.bytes >= waitingBytes/part || len(p.items) >= maxSpan/part
}

// lane is the messages of one key, or one message that has none, beginning with it.
type lane struct {
	p     *partition
	it    *item
	key   string
	keyed bool
}

// run handles the lane's messages, until there are none.
func (l lane) run() {
	for it := l.it; it != nil; {
		l.p.process(it)
		if it = nil; l.keyed {
			it = l.p.following(l.key)
		}
	}
	l.p.leave()
}

// following takes the next message of a key, or ends its lane.
func (p *partition) following(key string) *item {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := p.lanes[key]
	if len(queue) == 0 || !p.ours(queue[0].record.Offset) {
		delete(p.lanes, key)
		return nil
	}
	p.lanes[key] = queue[1:]
	return queue[0]
}

// ours reports whether a message is still ours to handle. Once the partition is given
// up, those are that come before one that was begun: left undone, they would keep what
// is done behind them from being committed, and have it come again. The caller holds mu.
func (p *partition) ours(offset int64) bool { return !p.stopped || offset <= p.edge }

// due is ours for who does not hold mu.
func (p *partition) due(offset int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ours(offset)
}

// begin is due for who begins to handle the message.
func (p *partition) begin(offset int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ours(offset) {
		return false
	}
	p.edge = max(p.edge, offset)
	return true
}

// finish marks a message as dealt with.
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
		p.commit, p.moved = p.items[ahead-1].next, true
		clear(p.items[:ahead])
		p.items = p.items[ahead:]
		signal(p.c.dirty)
	}
	if p.crowded && !p.full(2) {
		p.clear()
	}
}

// clear ends the crowding. The caller holds mu.
func (p *partition) clear() {
	p.crowded = false
	p.c.crowded.Add(-1)
	if p.paused {
		p.paused = false
		p.c.client.ResumeFetchPartitions(map[string][]int32{p.topic: {p.id}})
	}
	signal(p.c.room)
}

// holdsBack reports whether the reading should wait for this partition.
func (p *partition) holdsBack() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowded && !p.paused
}

// pause reads no more of a crowded partition until it is cleared.
func (p *partition) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crowded && !p.paused {
		p.paused = true
		p.c.client.PauseFetchPartitions(map[string][]int32{p.topic: {p.id}})
	}
}

// enter and leave count what is under way.
func (p *partition) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active++
}

func (p *partition) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	if p.stopped && p.active == 0 {
		close(p.idle)
	}
}

// stop begins no message any more but those before one in hand, which go on.
func (p *partition) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.stopped = true
	close(p.halt)
	if p.crowded { // kgo would keep a pause beyond the assignment
		p.clear()
	}
	if p.active == 0 {
		close(p.idle)
	}
}

func (p *partition) running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active
}

// progress gives the offset to commit, if it is ahead of the committed one.
func (p *partition) progress() (kgo.EpochOffset, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commit, p.moved && !p.lost
}

// startAt makes an offset the one to commit, before the first message is done.
func (p *partition) startAt(offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commit, p.moved = kgo.EpochOffset{Epoch: -1, Offset: offset}, true
	signal(p.c.dirty)
}

// lose ends the commits: one could hide messages of a new topic by that name.
func (p *partition) lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

// settled takes note of a commit.
func (p *partition) settled(o kgo.EpochOffset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.commit == o {
		p.moved = false
	}
}

// recordSize is about what a record takes in memory.
func recordSize(r *kgo.Record) int {
	size := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return size
}
