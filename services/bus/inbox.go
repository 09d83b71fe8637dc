package bus

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// answer is what a request gets: a record (nil for an empty end of a stream),
// a refusal by the service, or the failure to send it.
type answer struct {
	record  *kgo.Record
	refused bool
	reason  string
	err     error
}

// call is one request under way.
type call struct {
	answer   chan answer
	accepted atomic.Bool
	last     *kgo.Record // of the inbox's goroutine: the latest part of the answer

	more  chan struct{} // says that there are parts; nil where the caller takes none
	mu    sync.Mutex    // guards parts
	parts []*kgo.Record
}

// acknowledge takes the broker's word on the request.
func (c *call) acknowledge(_ *kgo.Record, err error) {
	if err != nil {
		c.finish(answer{err: err})
		return
	}
	c.accepted.Store(true)
}

// finish gives the answer, unless there is one.
func (c *call) finish(a answer) {
	select {
	case c.answer <- a:
	default:
	}
}

// calls are the requests under way, by correlation id.
type calls struct {
	partition atomic.Int32 // where the answers are asked to go

	mu      sync.Mutex // guards the next two
	pending map[string]*call
	err     error // what ended them all
}

func (c *calls) add(id string, parts bool) *call {
	p := &call{answer: make(chan answer, 1)}
	if parts {
		p.more = make(chan struct{}, 1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		p.finish(answer{err: c.err})
	}
	c.pending[id] = p
	return p
}

func (c *calls) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// find gives the call that an id belongs to, nil for none.
func (c *calls) find(id []byte) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending[string(id)]
}

// end answers all calls, those to come too, with an error.
func (c *calls) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for _, p := range c.pending {
		p.finish(answer{err: err})
	}
}

// deliver hands a reply to the call that waits for it. It reports whether
// there is one: late replies and those for other instances of the service on
// the same topic have none.
func (c *calls) deliver(r *kgo.Record) bool {
	var id, reason []byte
	var refused, disposed bool
	for i := range r.Headers {
		switch h := &r.Headers[i]; h.Key {
		case headerCorrelation:
			id = h.Value
		case headerError:
			refused, reason = true, h.Value
		case headerDisposed:
			disposed = true
		}
	}
	p := c.find(id)
	if p == nil {
		return false
	}
	switch {
	case refused:
		p.finish(answer{refused: true, reason: string(reason)})
	case disposed && r.Value == nil && p.last != nil:
		p.finish(answer{record: p.last}) // the end of a stream, on its own
	case disposed:
		if r.Value != nil {
			p.keep(r)
		}
		p.finish(answer{record: r})
	default:
		p.last = r
		p.keep(r)
	}
	return true
}

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
	for {
		fetches := pollFor(b.ctx, b.client.PollFetches)
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
