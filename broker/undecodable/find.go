// Package undecodable finds the batches of a topic that no reader can decode, and gets
// kgo's clients past them. kgo (v1.22) asks for such a batch again and again, and where
// only its records are not what its header says, it does not even return an error.
package undecodable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/batch"
)

// Where a batch's header keeps what, in bytes.
const (
	atLength    = 8
	atLastDelta = 23
	atMaxTime   = 35
	headSize    = 61
	logOverhead = 12
)

// Batch is one that cannot be decoded.
type Batch struct {
	Topic     string
	Partition int32
	// First is its base offset, or the offset that was asked for where that is
	// within it. Next is the first offset behind it.
	First, Next int64
	// Time is what its header says of its newest record.
	Time time.Time
	// Raw is the batch as it is stored.
	Raw []byte
	// Err says why it cannot be decoded.
	Err error
}

// Error names the place and the reason.
func (b *Batch) Error() string {
	return fmt.Sprintf("the batch of offsets %d to %d of %s/%d cannot be decoded: %v", b.First, b.Next-1, b.Topic, b.Partition, b.Err)
}

// Unwrap is the reason.
func (b *Batch) Unwrap() error { return b.Err }

var errRecords = errors.New("its records are not what its header tells")

// Look looks at the first batch of an answer from an offset on, which kgo made nothing
// of; cause is its error, if it had one. It is nil where the answer has no whole batch.
// Next is at most end, the partition's end.
func Look(topic string, part *kmsg.FetchResponseTopicPartition, offset, end int64, cause error) *Batch {
	for in := part.RecordBatches; len(in) > logOverhead; {
		size := int64(int32(binary.BigEndian.Uint32(in[atLength:]))) + logOverhead
		broken := size < headSize || size > int64(len(in))
		if broken {
			size = int64(len(in))
		}
		raw, rest := in[:size], in[size:]
		base := int64(binary.BigEndian.Uint64(raw))
		next := base + 1
		if len(raw) >= headSize {
			next = max(next, base+1+int64(int32(binary.BigEndian.Uint32(raw[atLastDelta:]))))
		}
		if len(rest) > logOverhead { // its own numbers may be what is broken
			next = int64(binary.BigEndian.Uint64(rest))
		} else {
			next = min(next, end)
		}
		if next <= offset && !broken {
			in = rest
			continue
		}
		if cause == nil {
			cause = errRecords
		}
		b := &Batch{
			Topic: topic, Partition: part.Partition, First: max(min(base, offset), 0), Next: max(next, offset+1),
			Raw: append([]byte(nil), raw...), Err: cause,
		}
		if len(raw) >= headSize {
			b.Time = time.UnixMilli(int64(binary.BigEndian.Uint64(raw[atMaxTime:]))).UTC()
		}
		return b
	}
	return nil
}

// Among are the batches of an answer that cannot be decoded and have offsets from one
// up to another, and the offset behind the last whole batch that was looked at. kgo
// passes over such batches in silence where others follow in the same answer.
func Among(topic string, part *kmsg.FetchResponseTopicPartition, from, to int64) (bad []*Batch, next int64) {
	next = from
	for in := part.RecordBatches; whole(in) && next < to; {
		size := int64(int32(binary.BigEndian.Uint32(in[atLength:]))) + logOverhead
		if size < headSize {
			break
		}
		rest := *part
		rest.RecordBatches, in = in, in[size:]
		base := int64(binary.BigEndian.Uint64(rest.RecordBatches))
		last := base + int64(int32(binary.BigEndian.Uint32(rest.RecordBatches[atLastDelta:])))
		if base >= to {
			break
		}
		if err := decodes(rest.RecordBatches[:size], base, last); err != nil {
			if b := Look(topic, &rest, max(from, base), max(part.HighWatermark, base+1), err); b != nil {
				bad, last = append(bad, b), b.Next-1
			}
		}
		next = max(next, last+1)
	}
	return bad, next
}

// decodes fails where a client cannot decode a batch to its last record.
func decodes(raw []byte, base, last int64) error {
	one := &kmsg.FetchResponseTopicPartition{RecordBatches: raw}
	opts := kgo.ProcessFetchPartitionOpts{Offset: base, KeepControlRecords: true}
	got, next := kgo.ProcessFetchPartition(opts, one, batch.Decompressor(), nil)
	switch {
	case errors.Is(got.Err, batch.ErrBusy):
		return nil // it is not known
	case got.Err != nil:
		return got.Err
	case next <= last:
		return errRecords
	}
	return nil
}

// Gaps are the offsets between records, and before the first, where something may be
// that no record was made of; from is not below to where there is.
func Gaps(at int64, records []*kgo.Record) (from, to int64) {
	from = -1
	for _, r := range records {
		if r.Offset > at {
			if to = r.Offset; from < 0 {
				from = at
			}
		}
		at = r.Offset + 1
	}
	return from, to
}

// whole reports whether an answer has a batch that is not cut off.
func whole(p []byte) bool {
	return len(p) > logOverhead && int64(int32(binary.BigEndian.Uint32(p[atLength:])))+logOverhead <= int64(len(p))
}

// lookBytes is what one look asks for: a batch, and what comes behind it.
const lookBytes = 1 << 20

// Find returns which batch a reader that stands at an offset cannot get past; nil where
// the next that comes is a record, or the end. Offsets below 0 are the partition's
// start. It passes over what a reader of committed records does not see.
func Find(ctx context.Context, client *kgo.Client, topic string, partition int32, offset int64) (*Batch, error) {
	details, err := kadm.NewClient(client).ListTopicsWithInternal(ctx, topic)
	if err == nil {
		err = details[topic].Err
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s/%d: %w", topic, partition, err)
	}
	f := finder{client: client, topic: details[topic], partition: partition, opts: kgo.ProcessFetchPartitionOpts{
		Topic: topic, Partition: partition, IsolationLevel: kgo.ReadCommitted(),
	}}
	b, err := f.find(ctx, max(offset, 0))
	if err != nil {
		return nil, fmt.Errorf("look at %s/%d: %w", topic, partition, err)
	}
	return b, nil
}

// between finds the batches that cannot be decoded among those from one offset up to
// another.
func between(ctx context.Context, client *kgo.Client, at place, from, to int64) (bad []*Batch, err error) {
	details, err := kadm.NewClient(client).ListTopicsWithInternal(ctx, at.topic)
	if err != nil {
		return nil, fmt.Errorf("look at %s/%d: %w", at.topic, at.partition, err)
	}
	f := finder{client: client, topic: details[at.topic], partition: at.partition}
	for from < to {
		part, err := f.fetch(ctx, from)
		if err == nil {
			err = kerr.ErrorForCode(part.ErrorCode)
		}
		if err != nil {
			return bad, fmt.Errorf("look at %s/%d: %w", at.topic, at.partition, err)
		}
		more, next := Among(at.topic, part, from, to)
		bad = append(bad, more...)
		if next == from {
			break
		}
		from = next
	}
	return bad, nil
}

type finder struct {
	client    *kgo.Client
	topic     kadm.TopicDetail
	partition int32
	opts      kgo.ProcessFetchPartitionOpts
}

func (f *finder) find(ctx context.Context, offset int64) (*Batch, error) {
	for {
		part, err := f.fetch(ctx, offset)
		if err != nil {
			return nil, err
		}
		if errors.Is(kerr.ErrorForCode(part.ErrorCode), kerr.OffsetOutOfRange) && part.LogStartOffset > offset {
			offset = part.LogStartOffset
			continue
		}
		if err := kerr.ErrorForCode(part.ErrorCode); err != nil || len(part.RecordBatches) == 0 {
			return nil, err
		}
		f.opts.Offset = offset
		got, next := kgo.ProcessFetchPartition(f.opts, part, batch.Decompressor(), nil)
		switch {
		case len(got.Records) > 0 || errors.Is(got.Err, batch.ErrBusy):
			return nil, nil
		case next > offset:
			offset = next
			continue
		}
		b := Look(f.topic.Topic, part, offset, max(part.HighWatermark, offset+1), got.Err)
		if b != nil && !whole(part.RecordBatches) {
			b.Next, err = f.behind(ctx, offset, part.HighWatermark)
		}
		return b, err
	}
}

// behind finds the offset of the batch behind one whose own length is wrong, by what
// the broker answers for later offsets.
func (f *finder) behind(ctx context.Context, offset, end int64) (next int64, err error) {
	n := sort.Search(int(end-offset-1), func(i int) bool {
		part, failed := f.fetch(ctx, offset+1+int64(i))
		if failed != nil {
			err = failed
			return true
		}
		return len(part.RecordBatches) > 8 && int64(binary.BigEndian.Uint64(part.RecordBatches)) > offset
	})
	return offset + 1 + int64(n), err
}

// fetch asks the partition's leader for what it has from an offset on.
func (f *finder) fetch(ctx context.Context, offset int64) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, lookBytes
	req.IsolationLevel, req.SessionEpoch = 1, -1 // read committed, no session
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = f.partition, offset, lookBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = f.topic.Topic, f.topic.ID
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	raw, err := f.client.Broker(int(f.topic.Partitions[f.partition].Leader)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := raw.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			if p := &resp.Topics[i].Partitions[j]; p.Partition == f.partition {
				return p, nil
			}
		}
	}
	return nil, kerr.UnknownTopicOrPartition
}
