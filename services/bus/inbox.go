package bus

import (
	"context"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// openInbox starts to consume the reply topic from where it ends now. No group
// is needed: each instance reads all replies and picks its own out.
func (b *Bus) openInbox(ctx context.Context) error {
	ends, err := b.openReplies(ctx)
	if err != nil {
		return err
	}
	b.consumeReplies(ends)
	b.inbox.Go(b.readInbox)
	return nil
}

// openReplies makes sure that there is a reply topic, picks the partition for
// the answers, and gives the end of each.
func (b *Bus) openReplies(ctx context.Context) (map[int32]kgo.Offset, error) {
	ends, err := untilDone(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		if err := b.ensureTopics(ctx, b.ownTopics()); err != nil {
			return nil, err
		}
		return b.endOffsets(ctx, contract.ReplyTopic(b.service))
	})
	if err != nil {
		return nil, err
	}
	// Any partition will do; a random one spreads the instances.
	pick := rand.IntN(len(ends))
	for id := range ends {
		if pick--; pick < 0 {
			b.calls.partition.Store(id)
			break
		}
	}
	return ends, nil
}

// consumeReplies begins to read the reply topic at these offsets.
func (b *Bus) consumeReplies(from map[int32]kgo.Offset) {
	topic := contract.ReplyTopic(b.service)
	for id, at := range from {
		b.reader.Begin(topic, id, at.EpochOffset().Offset)
		b.read.move(id, max(0, at.EpochOffset().Offset))
	}
	b.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
}

func (b *Bus) readInbox() {
	var window pollWindow
	defer window.end()
	for {
		fetches := b.client.PollFetches(window.begin(b.ctx))
		if b.ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		deleted, failed := b.errorsOf(fetches, "read replies")
		fetches.EachRecord(func(r *kgo.Record) {
			if b.calls.deliver(r) {
				b.meter.consumed(r.Topic, 1)
			} else {
				b.log.Debug("dropped a reply that nobody waits for", "partition", r.Partition, "offset", r.Offset)
			}
		})
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if n := len(f.Records); n > 0 {
				b.read.move(f.Partition, f.Records[n-1].Offset+1)
			}
		})
		moved := b.pass(b.ctx, b.reader, b.client, fetches)
		if len(deleted) > 0 {
			b.renewInbox()
		}
		if failed && !moved && fetches.NumRecords() == 0 {
			sleep(b.ctx, errorPause)
		}
	}
}
