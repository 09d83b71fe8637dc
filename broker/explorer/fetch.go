package explorer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
	batches "axion/broker/batch"
	"axion/broker/undecodable"
)

// portion is one partition's part of an answer. Records may be empty though there
// are more: transactions' marks and what they took back are left out. Next is
// where to go on, and start the partition's oldest offset where the one asked for
// is gone already.
type portion struct {
	records []*kgo.Record
	bytes   int
	next    int64
	start   int64
	end     int64 // of what is readable now
	gone    bool
	// crowded is a part without a batch where other parts have some: the answer
	// may only have been full.
	crowded bool
}

// fetch asks the leaders for records from these offsets on, at most so many bytes
// of each partition, and does not wait for any. It goes over the Admin's own
// connections: a reader costs no client. A leader that has moved, or a topic that
// is gone, is an error.
func (r *Reader) fetch(ctx context.Context, t kadm.TopicDetail, from map[int32]int64, most int32) (map[int32]portion, error) {
	byLeader := map[int32][]kmsg.FetchRequestTopicPartition{}
	for id, at := range from {
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = id, at, most
		leader := t.Partitions[id].Leader
		byLeader[leader] = append(byLeader[leader], part)
	}
	answers := make(map[int32]portion, len(from))
	for leader, parts := range byLeader {
		slices.SortFunc(parts, func(a, b kmsg.FetchRequestTopicPartition) int { return int(a.Partition - b.Partition) })
		if err := r.fetchFrom(ctx, t, leader, parts, from, answers); err != nil {
			return nil, fmt.Errorf("read topic %s: %w", t.Topic, err)
		}
	}
	return answers, nil
}

// maxFetch bounds one answer of a broker, in bytes; Kafka gives one batch more.
const maxFetch = 16 << 20

func (r *Reader) fetchFrom(
	ctx context.Context, t kadm.TopicDetail, leader int32, parts []kmsg.FetchRequestTopicPartition, from map[int32]int64, to map[int32]portion,
) error {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, maxFetch
	req.IsolationLevel, req.SessionEpoch = 1, -1 // read committed, no session
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = t.Topic, t.ID, parts
	req.Topics = append(req.Topics, topic)
	raw, err := r.admin.Client().Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		return err
	}
	resp := raw.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	sum := 0
	for _, topic := range resp.Topics {
		for i := range topic.Partitions {
			id := topic.Partitions[i].Partition
			at, asked := from[id]
			if !asked {
				continue
			}
			if to[id], err = r.decode(ctx, t.Topic, at, &topic.Partitions[i]); err != nil {
				return err
			}
			sum += to[id].bytes
		}
	}
	for _, part := range parts {
		got, answered := to[part.Partition]
		if !answered {
			return admin.ErrNoTopic // deleted, and perhaps made anew
		}
		if got.bytes == 0 && sum > 0 && !got.gone {
			got.crowded = true
			to[part.Partition] = got
		}
	}
	return nil
}

// decode reads one partition's batches, up to one that cannot be decoded. Where such a
// one is the first, a record stands for it: see [undecodableRecord].
func (r *Reader) decode(ctx context.Context, topic string, at int64, part *kmsg.FetchResponseTopicPartition) (portion, error) {
	err := kerr.ErrorForCode(part.ErrorCode)
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return portion{next: at, start: part.LogStartOffset, gone: true}, nil
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return portion{}, admin.ErrNoTopic
	case err != nil:
		return portion{}, err
	}
	opts := kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: part.Partition, Offset: at, IsolationLevel: kgo.ReadCommitted()}
	got, next := kgo.ProcessFetchPartition(opts, part, batches.Decompressor(), nil)
	if errors.Is(got.Err, batches.ErrBusy) && len(got.Records) == 0 {
		return portion{}, fmt.Errorf("partition %d at %d: %w", part.Partition, at, got.Err)
	}
	if next == at && len(part.RecordBatches) > 0 && len(got.Records) == 0 {
		bad, err := undecodable.Find(ctx, r.admin.Client(), topic, part.Partition, at)
		if err != nil {
			return portion{}, err
		}
		if bad != nil {
			got.Records, next = []*kgo.Record{undecodableRecord(bad)}, bad.Next
		}
	} else if from, to := undecodable.Gaps(at, got.Records); from >= 0 && from < to {
		bad, _ := undecodable.Among(topic, part, from, to)
		for _, b := range bad {
			got.Records = append(got.Records, undecodableRecord(b))
		}
		slices.SortStableFunc(got.Records, func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	end := part.LastStableOffset
	if end < 0 {
		end = part.HighWatermark
	}
	return portion{records: got.Records, bytes: len(part.RecordBatches), next: next, end: end}, nil
}
