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
	pending   sync.Map
}

func (c *calls) add(id string) *call {
	p := &call{answer: make(chan answer, 1)}
	c.pending.Store(id, p)
	return p
}

func (c *calls) remove(id string) { c.pending.Delete(id) }

// deliver hands a reply to the call that waits for it. It reports whether
// there is one: late replies and those for other instances of the service on
// the same topic have none.
func (c *calls) deliver(r *kgo.Record) bool {
	var id, reason string
	var refused, disposed bool
	for i := range r.Headers {
		switch h := &r.Headers[i]; h.Key {
		case headerCorrelation:
			id = string(h.Value)
		case headerError:
			refused, reason = true, string(h.Value)
		case headerDisposed:
			disposed = true
		}
	}
	v, ok := c.pending.Load(id)
	if !ok {
		return false
	}
	p := v.(*call)
	switch {
	case refused:
		p.finish(answer{refused: true, reason: reason})
	case disposed && r.Value == nil && p.last != nil:
		p.finish(answer{record: p.last}) // the end of a stream, on its own
	case disposed:
		p.finish(answer{record: r})
	default:
		p.last = r
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
	b.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{contract.ReplyTopic(b.service): ends})
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

func (b *Bus) readInbox() {
	for {
		fetches := b.client.PollFetches(b.ctx)
		if b.ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		deleted, failed := b.errorsOf(fetches, "read replies")
		fetches.EachRecord(func(r *kgo.Record) {
			if !b.calls.deliver(r) {
				b.log.Debug("dropped a reply that nobody waits for", "partition", r.Partition, "offset", r.Offset)
			}
		})
		if len(deleted) > 0 {
			b.renewInbox()
		}
		if failed && fetches.NumRecords() == 0 {
			sleep(b.ctx, errorPause)
		}
	}
}
