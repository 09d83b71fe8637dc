package bus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

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

	correlation    []byte
	replyTopic     string
	replyPartition int32  // anyPartition where not given
	rawKey         []byte // nil for none
	batch          string // the offsets of a batch that could not be decoded, in place of a message
	promised       bool   // the sender says that the value is JSON
}

// Data is the value's JSON form, always valid JSON: a bare string is quoted, no
// value is null, bytes are base64. It is made anew by each call.
func (m *Message) Data() json.RawMessage { return dataOf(m.Value, m.promised) }

// Decode reads the message's data into v, as [json.Unmarshal] does. Its error
// is permanent: an event goes to the dead letters, a request is answered with
// the error's text.
func (m *Message) Decode(v any) error {
	if err := decode(m.Value, m.promised, v); err != nil {
		return Permanent(fmt.Errorf("decode %s: %w", m.Type, contract.JSONError(err)))
	}
	return nil
}

// IsRequest reports whether the sender waits for an answer.
func (m *Message) IsRequest() bool { return len(m.correlation) > 0 && m.replyTopic != "" }

// newMessage reads a record. It never fails: what makes no sense counts as
// not given.
func newMessage(r *kgo.Record) *Message {
	m := &Message{
		Key: string(r.Key), Value: r.Value,
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Headers: r.Headers, rawKey: r.Key, replyPartition: anyPartition,
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case headerID:
			m.ID = string(h.Value)
		case headerType:
			m.Type = string(h.Value)
		case headerSource:
			m.Source = string(h.Value)
		case headerTime:
			if t, err := time.Parse(time.RFC3339, string(h.Value)); err == nil {
				m.Time = t.UTC()
			}
		case headerContentType:
			m.promised = isJSON(string(h.Value))
		case headerCorrelation:
			m.correlation = h.Value
		case headerReplyTopic:
			m.replyTopic = string(h.Value)
		case HeaderExpires:
			if ms, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil && ms > 0 {
				m.ExpiresAt = time.UnixMilli(ms)
			}
		case headerReplyPartition:
			if p, err := strconv.ParseInt(string(h.Value), 10, 32); err == nil && p >= 0 {
				m.replyPartition = int32(p)
			}
		}
	}
	if m.ID == "" {
		m.ID = placeID(m.Topic, m.Partition, m.Offset)
	}
	if m.Source == "" {
		m.Source = m.Topic
	}
	if m.Time.IsZero() {
		m.Time = r.Timestamp.UTC()
	}
	return m
}

// placeID names a message that has no id by its place.
func placeID(topic string, partition int32, offset int64) string {
	id := make([]byte, 0, len(topic)+len("/2147483647/9223372036854775807"))
	id = append(append(id, topic...), '/')
	id = append(strconv.AppendInt(id, int64(partition), 10), '/')
	return string(strconv.AppendInt(id, offset, 10))
}
