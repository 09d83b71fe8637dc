package message

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// AnyPartition is the Partition of a record whose key decides.
const AnyPartition = -1

// Message is one message as a handler sees it. A message without CloudEvents
// headers has defaults in their place. It must not be changed, and its bytes
// may be kept.
type Message struct {
	// ID is the event's id, or "topic/partition/offset" where it has none.
	ID string
	// Type is the event or request type, empty where the sender gave none.
	Type string
	// Source is the sender: a service's name, or the topic where not given.
	Source string
	// Time is when it happened, in UTC: the record's time where not given.
	Time time.Time
	// Key is the record's key; empty for none.
	Key string
	// Value is the value as it came, nil for none.
	Value []byte
	// Topic, Partition and Offset are where it was read.
	Topic     string
	Partition int32
	Offset    int64
	// Attempt counts the calls of the handler for this message, from 1. It
	// starts again when the message is delivered again.
	Attempt int
	// Headers are all headers, as they came.
	Headers Headers
	// ExpiresAt is when a request's sender stops waiting, by its clock; zero where it
	// does not say.
	ExpiresAt time.Time

	// RawKey is the record's key as it came; nil for none.
	RawKey []byte
	// Correlation, ReplyTopic and ReplyPartition are a request's id and where its
	// answer goes. ReplyPartition is AnyPartition where not given.
	Correlation    []byte
	ReplyTopic     string
	ReplyPartition int32
	// Batch is "first-last", the offsets of a batch that could not be decoded and is
	// in place of a message. Empty otherwise.
	Batch string

	declaredJSON bool // the sender says that the value is JSON
}

// Data is the value's JSON form, always valid JSON: a bare string is quoted, no
// value is null, bytes are base64. It is made anew by each call.
func (m *Message) Data() json.RawMessage { return JSONForm(m.Value, m.declaredJSON) }

// Decode reads the message's data into v, as [json.Unmarshal] does. Its error
// is permanent: an event goes to the dead letters, a request is answered with
// the error's text.
func (m *Message) Decode(v any) error {
	if err := Decode(m.Value, m.declaredJSON, v); err != nil {
		return Permanent(fmt.Errorf("decode %s: %w", m.Type, contract.JSONError(err)))
	}
	return nil
}

// IsRequest reports whether the sender waits for an answer.
func (m *Message) IsRequest() bool { return len(m.Correlation) > 0 && m.ReplyTopic != "" }

// FromRecord reads a record. It never fails: a header that cannot be read counts
// as not given.
func FromRecord(r *kgo.Record) *Message {
	m := &Message{
		Key: string(r.Key), Value: r.Value,
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Headers: r.Headers, RawKey: r.Key, ReplyPartition: AnyPartition,
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case HeaderID:
			m.ID = string(h.Value)
		case HeaderType:
			m.Type = string(h.Value)
		case HeaderSource:
			m.Source = string(h.Value)
		case HeaderTime:
			if t, err := time.Parse(time.RFC3339, string(h.Value)); err == nil {
				m.Time = t.UTC()
			}
		case HeaderContentType:
			m.declaredJSON = IsJSON(string(h.Value))
		case HeaderCorrelation:
			m.Correlation = h.Value
		case HeaderReplyTopic:
			m.ReplyTopic = string(h.Value)
		case HeaderExpires:
			if ms, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil && ms > 0 {
				m.ExpiresAt = time.UnixMilli(ms)
			}
		case HeaderReplyPartition:
			if p, err := strconv.ParseInt(string(h.Value), 10, 32); err == nil && p >= 0 {
				m.ReplyPartition = int32(p)
			}
		}
	}
	if m.ID == "" {
		m.ID = positionID(m.Topic, m.Partition, m.Offset)
	}
	if m.Source == "" {
		m.Source = m.Topic
	}
	if m.Time.IsZero() {
		m.Time = r.Timestamp.UTC()
	}
	return m
}

// positionID is the id of a message that has none: "topic/partition/offset".
func positionID(topic string, partition int32, offset int64) string {
	id := make([]byte, 0, len(topic)+len("/2147483647/9223372036854775807"))
	id = append(append(id, topic...), '/')
	id = append(strconv.AppendInt(id, int64(partition), 10), '/')
	return string(strconv.AppendInt(id, offset, 10))
}

// Size is about what a record takes in memory, in bytes: key, value and headers.
func Size(r *kgo.Record) int {
	size := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return size
}
