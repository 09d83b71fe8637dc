package message

import "github.com/twmb/franz-go/pkg/kgo"

// Record is a message that is forwarded as it came from elsewhere: its value is
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

// Check returns an error where the topic's name is none, or the record is too large.
func (r *Record) Check() error {
	if err := CheckTopic(r.Topic); err != nil {
		return err
	}
	return CheckSize(r.Size())
}

// Kafka returns the record as kgo takes it; its headers have room for those of a trace.
func (r *Record) Kafka() *kgo.Record {
	partition := int32(AnyPartition)
	if r.Partition != nil {
		partition = *r.Partition
	}
	return &kgo.Record{
		Topic: r.Topic, Partition: partition, Key: KeyBytes(r.Key), Value: r.Value,
		Headers: append(make([]kgo.RecordHeader, 0, len(r.Headers)+2), r.Headers...),
	}
}

// Size is what the record takes of [MaxMessage], in bytes.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
