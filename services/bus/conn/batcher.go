package conn

import (
	"context"
	"runtime"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Batcher passes records to kgo in batches. Without a linger kgo sends the first
// record that it gets at once, so that records of concurrent goroutines would go in as
// many requests. Here the first of them lets the others run before it passes on the
// records of all. A goroutine that sends one record after the other never waits.
// Records stay in order.
//
// There is no timer: one that is due soon wakes the thread that waits for the
// network, once a record, which costs more than the batch saves.
type Batcher struct {
	produce func(*kgo.Record, func(*kgo.Record, error))
	busy    func() bool // reports whether others may be about to send

	mu       sync.Mutex
	queue    []queuedRecord
	recycled []queuedRecord // an earlier queue, emptied
	flushing bool           // a goroutine is about to pass the queue on
}

type queuedRecord struct {
	record  *kgo.Record
	promise func(*kgo.Record, error)
}

// NewBatcher returns a batcher of a client's records; produce is one of its methods, and
// busy reports whether more goroutines than one may send. Records have no context: a
// cancelled one would fail others of its batch.
func NewBatcher(client *kgo.Client, produce func(context.Context, *kgo.Record, func(*kgo.Record, error)), busy func() bool) *Batcher {
	return &Batcher{
		produce: func(r *kgo.Record, promise func(*kgo.Record, error)) { produce(context.Background(), r, promise) },
		busy:    func() bool { return busy() || client.BufferedProduceRecords() > 0 },
	}
}

// Send is kgo's Produce without a context. It may return before the record is passed on.
func (b *Batcher) Send(r *kgo.Record, promise func(*kgo.Record, error)) {
	b.mu.Lock()
	b.queue = append(b.queue, queuedRecord{r, promise})
	if b.flushing {
		b.mu.Unlock()
		return
	}
	b.flushing = true
	b.mu.Unlock()
	if b.busy() {
		runtime.Gosched()
	}
	b.flush()
}

// flush passes the queue on. Records that are queued meanwhile get a goroutine of their
// own, so that a sender does not go on with those of others. It runs once at a time.
func (b *Batcher) flush() {
	b.mu.Lock()
	batch := b.queue
	b.queue, b.recycled = b.recycled, nil
	b.mu.Unlock()
	for _, o := range batch {
		b.produce(o.record, o.promise)
	}
	clear(batch)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recycled = batch[:0]
	if b.flushing = len(b.queue) > 0; b.flushing {
		go b.flush()
	}
}
