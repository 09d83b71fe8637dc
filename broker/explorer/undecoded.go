package explorer

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

// batchKey is what a record's context has its batch by.
type batchKey struct{}

// undecodableRecord stands for a batch that cannot be decoded where records are shown:
// its offset is the batch's first, and its value the batch's bytes.
func undecodableRecord(b *undecodable.Batch) *kgo.Record {
	return &kgo.Record{
		Topic: b.Topic, Partition: b.Partition, Offset: b.First, Timestamp: b.Time, Value: b.Raw,
		Context: context.WithValue(context.Background(), batchKey{}, b),
	}
}

// undecodedBatch is the batch that a record stands for, or nil.
func undecodedBatch(r *kgo.Record) *undecodable.Batch {
	if r.Context == nil {
		return nil
	}
	b, _ := r.Context.Value(batchKey{}).(*undecodable.Batch)
	return b
}

// after is where to go on behind a record.
func after(r *kgo.Record) int64 {
	if b := undecodedBatch(r); b != nil {
		return b.Next
	}
	return r.Offset + 1
}
