package bus

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is a message that is passed on as it came from elsewhere: its value is
// of any kind, and its headers are the sender's.
type Record struct {
	// Topic is where it goes. Required.
	Topic string
	// Key orders; empty: no order.
	Key string
	// Partition is where it goes; nil leaves that to the key.
	Partition *int32
	// Value is the message; nil is no value.
	Value []byte
	// Headers are its headers, apart from those of the trace.
	Headers Headers
}

// Forward sends a record with ctx's trace. done is called once, with the
// record's place when the broker has acknowledged it on all in-sync replicas,
// or with the reason why it will never be sent: [ErrTooLarge], [ErrClosed], the
// broker's. While the broker is away the record waits, whatever becomes of ctx;
// the caller bounds what it lets wait. done runs on the client's goroutine: it
// must not block.
func (b *Bus) Forward(ctx context.Context, r Record, done func(partition int32, offset int64, err error)) {
	err := checkTopic(r.Topic)
	if err == nil {
		err = checkSize(r.Size())
	}
	if err != nil {
		done(0, 0, err)
		return
	}
	ctx, span := b.startSend(ctx, "publish", r.Topic, "send")
	record := &kgo.Record{
		Topic: r.Topic, Partition: r.partition(), Key: keyBytes(r.Key), Value: r.Value,
		Headers: inject(ctx, append(make([]kgo.RecordHeader, 0, len(r.Headers)+2), r.Headers...)),
	}
	describeRecord(span, record)
	b.client.TryProduce(context.WithoutCancel(ctx), record, func(sent *kgo.Record, err error) {
		if err = note(span, b.produceError(err)); err == nil {
			acked(span, sent)
		}
		span.End()
		done(sent.Partition, sent.Offset, err)
	})
}

func (r *Record) partition() int32 {
	if r.Partition == nil {
		return anyPartition
	}
	return *r.Partition
}

// Size is what the record takes of [MaxMessage], in bytes.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
