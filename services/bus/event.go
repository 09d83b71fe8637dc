package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Event is something that happened, to be published.
type Event struct {
	// ID identifies the event for ever, and its consumers drop what they have
	// seen. Empty: a new UUIDv7.
	ID string
	// Type is the event type, such as PROJECT_CREATED. Required.
	Type string
	// Topic is where it goes. Required.
	Topic string
	// Key orders: events of one key arrive in order. It is the project id.
	// Empty: no order.
	Key string
	// Time is when it happened. Zero: now.
	Time time.Time
	// Data is encoded as JSON; a [json.RawMessage] passes as it is. Nil: no
	// value.
	Data any
}

// Publish sends an event and waits until the broker has acknowledged it on all
// in-sync replicas. When ctx ends first the outcome is unknown: the event may
// still be sent. An event that belongs to a change in the database goes by
// [Bus.Enqueue]. Errors: [ErrTooLarge], [ErrClosed], those of ctx (which has
// the bus's timeout where it has no deadline), the broker's.
func (b *Bus) Publish(ctx context.Context, e Event) error {
	value, err := e.complete()
	if err != nil {
		return fmt.Errorf("publish %s: %w", e.Type, err)
	}
	ctx, span := b.startSend(ctx, "publish", e.Type, "send")
	defer span.End()
	err = b.send(ctx, b.eventRecord(ctx, &e, value), b.patience(ctx), span)
	if err != nil {
		err = fmt.Errorf("publish %s on %s: %w", e.Type, e.Topic, err)
	}
	return note(span, err)
}

// complete fills the defaults in, checks the event and encodes its data.
func (e *Event) complete() ([]byte, error) {
	if e.Type == "" {
		return nil, errors.New("event without a type")
	}
	if err := checkTopic(e.Topic); err != nil {
		return nil, err
	}
	if e.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make id: %w", err)
		}
		e.ID = id.String()
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	value, err := jsonValue(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode data: %w", err)
	}
	return value, checkSize(len(value) + len(e.Key) + len(e.Type) + len(e.ID))
}

// eventRecord is the event on the wire, with ctx's trace.
func (b *Bus) eventRecord(ctx context.Context, e *Event, value []byte) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, 8)
	headers = append(headers,
		kgo.RecordHeader{Key: headerSpecVersion, Value: specVersion},
		kgo.RecordHeader{Key: headerID, Value: []byte(e.ID)},
		kgo.RecordHeader{Key: headerType, Value: []byte(e.Type)},
		kgo.RecordHeader{Key: headerSource, Value: b.source},
		kgo.RecordHeader{Key: headerTime, Value: e.Time.UTC().AppendFormat(make([]byte, 0, len(time.RFC3339Nano)), time.RFC3339Nano)},
		kgo.RecordHeader{Key: headerContentType, Value: contentType},
	)
	return &kgo.Record{
		Topic: e.Topic, Partition: anyPartition, Key: keyBytes(e.Key), Value: value,
		Headers: inject(ctx, headers),
	}
}

// keyBytes keeps "no key" apart from "a key of no bytes": messages without a
// key are spread over the partitions and have no order.
func keyBytes(key string) []byte {
	if key == "" {
		return nil
	}
	return []byte(key)
}

func checkSize(size int) error {
	if size > MaxMessage {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, MaxMessage)
	}
	return nil
}

// checkTopic applies Kafka's own rule. A wrong name in the outbox would
// otherwise be refused by the broker for ever.
func checkTopic(topic string) error {
	if topic == "" || len(topic) > 249 || topic == "." || topic == ".." {
		return fmt.Errorf("topic %q: a name has 1 to 249 characters", topic)
	}
	for _, c := range topic {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("topic %q: %q is not allowed, only letters, digits, '.', '_' and '-'", topic, c)
		}
	}
	return nil
}
