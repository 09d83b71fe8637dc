package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace/noop"

	"axion/broker/undecodable"
)

// batchTimeout bounds how long a batch that cannot be decoded takes to be put on the
// dead-letter topic, where reading waits for it.
const batchTimeout = 5 * time.Second

// pollWindow bounds polls: they last for as long as a batch that nothing comes of may
// stay unnoticed. One context serves for many of them, since each would set a timer.
// It is for one goroutine.
type pollWindow struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// begin gives the context of a poll, which ends with ctx too: always the same.
func (p *pollWindow) begin(ctx context.Context) context.Context {
	if p.ctx == nil || p.ctx.Err() != nil {
		p.end()
		p.ctx, p.cancel = context.WithTimeout(ctx, undecodable.Patience)
	}
	return p.ctx
}

func (p *pollWindow) end() {
	if p.cancel != nil {
		p.cancel()
	}
}

// pass gets a client past the batches that it cannot decode, and reports whether there
// were any.
func (b *Bus) pass(ctx context.Context, r *undecodable.Reader, client *kgo.Client, fetches kgo.Fetches) (moved bool) {
	moved, err := r.Polled(ctx, client, fetches)
	if err != nil && ctx.Err() == nil {
		b.log.Warn("a batch cannot be decoded, and is not passed yet", "error", err)
	}
	return moved
}

// skip has a batch that cannot be decoded put on the dead-letter topic, in its turn.
func (c *consumer) skip(batch *undecodable.Batch) error {
	p := c.partition(batch.Topic, batch.Partition)
	if p == nil {
		return errors.New("the partition was given up")
	}
	if _, ok := c.client.CommittedOffsets()[batch.Topic][batch.Partition]; !ok {
		return errors.New("the group's first offset of the partition is not known") // kgo would not move
	}
	p.takeBatch(batch)
	return nil
}

// takeBatch is take for a batch that cannot be decoded.
func (p *partition) takeBatch(batch *undecodable.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
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
	p.c.workers.do(lane{p: p, it: it})
}

// processBatch puts a batch on the dead-letter topic.
func (p *partition) processBatch(it *item) {
	if p.begin(it.record.Offset) && p.bury(p.ctx, batchMessage(it.batch), it.batch.Err) {
		p.finish(it)
	}
}

// batchMessage is a batch as a message that failed.
func batchMessage(batch *undecodable.Batch) *Message {
	return &Message{
		Topic: batch.Topic, Partition: batch.Partition, Offset: batch.First, Value: batch.Raw,
		batch: fmt.Sprintf("%d-%d", batch.First, batch.Next-1),
	}
}

// buryBatch puts a batch on the dead-letter topic for a reader that is in no group.
func (b *Bus) buryBatch(batch *undecodable.Batch) error {
	ctx, cancel := context.WithTimeout(b.ctx, batchTimeout)
	defer cancel()
	m := batchMessage(batch)
	letter := b.deadLetter(ctx, m, batch.Err)
	if checkSize(recordSize(letter)) != nil {
		omitValue(letter)
	}
	if err := b.send(ctx, letter, batchTimeout, noop.Span{}); err != nil {
		return fmt.Errorf("put a batch on the dead-letter topic: %w", err)
	}
	b.meter.buried(m.Topic)
	b.log.Error("batch put on the dead-letter topic", "error", batch)
	return nil
}

// omitValue makes a letter refer to its value's place alone.
func omitValue(letter *kgo.Record) {
	letter.Value = nil
	letter.Headers = append(letter.Headers, Header{Key: DeadOmitted, Value: []byte("value")})
}
