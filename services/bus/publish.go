package bus

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/tracing"
)

// Publish sends an event and waits until the broker has acknowledged it on all
// in-sync replicas. When ctx ends first the outcome is unknown: the event may
// still be sent. An event that belongs to a change in the database goes by
// [Bus.Enqueue]. Errors: [ErrTooLarge], [ErrClosed], those of ctx (which has
// the bus's timeout where it has no deadline), the broker's.
func (b *Bus) Publish(ctx context.Context, e Event) error {
	value, err := e.Complete()
	if err != nil {
		return fmt.Errorf("publish %s: %w", e.Type, err)
	}
	ctx, span := b.conn.Tracer.StartSend(ctx, "publish", e.Type, "send")
	defer span.End()
	r := b.conn.EventRecord(&e, value)
	r.Headers = tracing.Inject(ctx, r.Headers)
	err = b.conn.Send(ctx, r, b.conn.Timeout(ctx), span)
	if err != nil {
		err = fmt.Errorf("publish %s on %s: %w", e.Type, e.Topic, err)
	}
	return tracing.RecordError(span, err)
}

// Forward sends a record with ctx's trace. done is called once, with the
// record's position when the broker has acknowledged it on all in-sync replicas,
// or with the reason why it will never be sent: [ErrTooLarge], [ErrClosed], the
// broker's. While the broker is away the record waits, also after ctx has ended;
// the caller bounds how many wait. done runs on the client's goroutine: it
// must not block.
func (b *Bus) Forward(ctx context.Context, r Record, done func(partition int32, offset int64, err error)) {
	if err := r.Check(); err != nil {
		done(0, 0, err)
		return
	}
	ctx, span := b.conn.Tracer.StartSend(ctx, "publish", r.Topic, "send")
	record := r.Kafka()
	record.Headers = tracing.Inject(ctx, record.Headers)
	tracing.DescribeRecord(span, record)
	b.conn.Client.TryProduce(context.WithoutCancel(ctx), record, func(sent *kgo.Record, err error) {
		if err = tracing.RecordError(span, b.conn.ProduceError(err)); err == nil {
			tracing.SetPosition(span, sent)
		}
		span.End()
		done(sent.Partition, sent.Offset, err)
	})
}
