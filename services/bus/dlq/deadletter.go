package dlq

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/message"
)

// headerResolved is on a record without value that says, in decimal, which letter of
// its partition was replayed or dropped. Kafka cannot delete a record in the middle.
const headerResolved = "dlq_settled"

// DeadLetter is one dead letter. Its place is unique among those of its service.
type DeadLetter struct {
	Service   string `json:"service"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Type      string `json:"type,omitempty"`
	ID        string `json:"id,omitempty"`
	Key       string `json:"key"`
	Time      string `json:"time"` // RFC 3339 in UTC
	Attempts  int    `json:"attempts"`
	Error     string `json:"error"`
	Origin    Origin `json:"from"`
	// Headers are the original ones, in wire order.
	Headers []Header `json:"headers"`
	// Value is the original one; nil where Omitted.
	Value   []byte `json:"-"`
	Omitted bool   `json:"omitted,omitempty"` // it was too large, and is still at Origin
	// Batch is set on what is no message, but a whole batch that could not be decoded,
	// whose bytes Value are: its offsets, as "first-last".
	Batch string `json:"batch,omitempty"`

	record *kgo.Record
}

// Origin is where a letter was read before it was one.
type Origin struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Header is one header of a letter.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Position is how the command line names a letter: PARTITION:OFFSET.
func (l *DeadLetter) Position() string { return fmt.Sprintf("%d:%d", l.Partition, l.Offset) }

// read takes a record of a dead-letter topic for a letter.
func read(service string, r *kgo.Record) *DeadLetter {
	l := &DeadLetter{Service: service, Partition: r.Partition, Offset: r.Offset, Key: string(r.Key), Value: r.Value, Headers: []Header{},
		record: r}
	for _, h := range r.Headers {
		text := string(h.Value)
		switch h.Key {
		case message.DeadTopic:
			l.Origin.Topic = text
		case message.DeadPartition:
			n, _ := strconv.ParseInt(text, 10, 32) // ours, so it is a number
			l.Origin.Partition = int32(n)
		case message.DeadOffset:
			l.Origin.Offset, _ = strconv.ParseInt(text, 10, 64)
		case message.DeadAttempts:
			l.Attempts, _ = strconv.Atoi(text)
		case message.DeadError:
			l.Error = text
		case message.DeadTime:
			l.Time = text
		case message.DeadOmitted:
			l.Omitted = true
		case message.DeadBatch:
			l.Batch = text
		}
		if isDLQHeader(h.Key) {
			continue
		}
		l.Headers = append(l.Headers, Header{h.Key, text})
		switch h.Key {
		case "ce_type":
			l.Type = text
		case "ce_id":
			l.ID = text
		}
	}
	return l
}

// unreadable is the letter for a batch of the dead-letter topic that cannot be decoded
// itself.
func unreadable(service string, b *undecodable.Batch) *DeadLetter {
	return &DeadLetter{
		Service: service, Partition: b.Partition, Offset: b.First, Headers: []Header{}, Value: b.Raw,
		Time: b.Time.Format(time.RFC3339Nano), Error: b.Error(), Batch: fmt.Sprintf("%d-%d", b.First, b.Next-1),
		Origin: Origin{Topic: b.Topic, Partition: b.Partition, Offset: b.First},
		record: &kgo.Record{Topic: b.Topic, Partition: b.Partition, Offset: b.First},
	}
}

// BatchError says that letters are batches that could not be decoded.
type BatchError struct {
	Service string
	Places  []string
}

// Error names the letters.
func (e *BatchError) Error() string {
	return strings.Join(e.Places, ", ") + " of " + e.Service + ": a batch that could not be decoded holds no messages to replay"
}

// Hint says what can be done.
func (e *BatchError) Hint() string {
	return "look at its bytes by: axion topics dlq show --json " + e.Service + " " + e.Places[0] + "; then drop it"
}

func isDLQHeader(header string) bool { return strings.HasPrefix(header, "dlq_") }

// original is the message as it was before it failed, and says that it was replayed:
// same key, value and headers, hence the same ids, and on the partition of the other
// messages that its sender gave that key. Only its expiry goes: who replays it wants it
// handled, whenever its sender stopped waiting.
func (l *DeadLetter) original() *kgo.Record {
	r := &kgo.Record{Topic: l.Origin.Topic, Partition: l.Origin.Partition, Key: l.record.Key, Value: l.record.Value}
	for _, h := range l.record.Headers {
		if !isDLQHeader(h.Key) && h.Key != message.HeaderExpires {
			r.Headers = append(r.Headers, h)
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: message.DeadReplayed, Value: []byte(l.Position())})
	return r
}
