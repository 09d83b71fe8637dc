package message

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Event is something that happened, to be published.
type Event struct {
	// ID identifies the event for ever: its consumers drop an id that they have
	// processed. Empty: a new UUIDv7.
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

// Complete fills the defaults in, checks the event and encodes its data.
func (e *Event) Complete() ([]byte, error) {
	if e.Type == "" {
		return nil, errors.New("event without a type")
	}
	if err := CheckTopic(e.Topic); err != nil {
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
	value, err := encodeJSON(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode data: %w", err)
	}
	return value, CheckSize(len(value) + len(e.Key) + len(e.Type) + len(e.ID))
}

// Record returns the completed event's record, of a source and with a value; its
// headers have room for those of a trace.
func (e *Event) Record(source, value []byte) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, 8)
	headers = append(headers,
		kgo.RecordHeader{Key: HeaderSpecVersion, Value: specVersion},
		kgo.RecordHeader{Key: HeaderID, Value: []byte(e.ID)},
		kgo.RecordHeader{Key: HeaderType, Value: []byte(e.Type)},
		kgo.RecordHeader{Key: HeaderSource, Value: source},
		kgo.RecordHeader{Key: HeaderTime, Value: e.Time.UTC().AppendFormat(make([]byte, 0, len(time.RFC3339Nano)), time.RFC3339Nano)},
		kgo.RecordHeader{Key: HeaderContentType, Value: contentType},
	)
	return &kgo.Record{Topic: e.Topic, Partition: AnyPartition, Key: KeyBytes(e.Key), Value: value, Headers: headers}
}

// KeyBytes returns a record's key, nil for none. A key of no bytes would be
// another: messages without a key are spread over the partitions and have no order.
func KeyBytes(key string) []byte {
	if key == "" {
		return nil
	}
	return []byte(key)
}
