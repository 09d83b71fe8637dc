package fault

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// DuplicatesID is the client that writes duplicates, which no fault hits.
	DuplicatesID = "axion-duplicates"
	// maxDuplicates bounds the duplicates that wait to be written.
	maxDuplicates = 256
	// duplicateTimeout bounds the writing of one.
	duplicateTimeout = 10 * time.Second
)

// duplicate is a batch to write once more.
type duplicate struct {
	topic     string
	partition int32
	batch     batch
}

// isWritten reports whether a response says that the original is written.
func (c duplicate) isWritten(resp *kmsg.ProduceResponse) bool {
	return slices.ContainsFunc(resp.Topics, func(t kmsg.ProduceResponseTopic) bool {
		return t.Topic == c.topic && slices.ContainsFunc(t.Partitions, func(p kmsg.ProduceResponseTopicPartition) bool {
			return p.Partition == c.partition && p.ErrorCode == 0
		})
	})
}

// WriteDuplicates writes duplicates until ctx ends, by the client that connect makes for
// the first of them.
func (s *Set) WriteDuplicates(ctx context.Context, connect func() (*kgo.Client, error)) {
	var client *kgo.Client
	for {
		select {
		case <-ctx.Done():
			if client != nil {
				client.Close()
			}
			return
		case c := <-s.duplicates:
			var err error
			if client == nil {
				client, err = connect()
			}
			if err == nil {
				err = c.send(ctx, client)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Warn("broker: a record was not doubled", "topic", c.topic, "error", err)
			}
		}
	}
}

// send writes the batch.
func (c duplicate) send(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, duplicateTimeout)
	defer cancel()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(duplicateTimeout.Milliseconds())
	topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = c.partition, c.batch
	topic.Topic, topic.Partitions = c.topic, append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	_, err := req.RequestWith(ctx, client)
	return err
}
