package undecodable

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// Patience is how long batches may come that no record is made of before a
	// reader looks why. Polls that would wait for longer end then.
	Patience = time.Second
	// lookTime bounds one look.
	lookTime = 10 * time.Second
)

// Reader watches what a consuming client reads, and gets it past the batches that it
// cannot decode. It is a hook of the client's; its methods are for the goroutine that
// polls.
type Reader struct {
	// Skip gets each batch that the client then goes on behind. An error
	// leaves the client where it is, to come back to the batch later.
	Skip func(*Batch) error

	mu    sync.Mutex // the client's goroutines report what they read
	parts map[place]*progress
}

var _ kgo.HookFetchBatchRead = (*Reader)(nil)

type place struct {
	topic     string
	partition int32
}

// progress is how far one partition's reading is.
type progress struct {
	at    int64     // the next offset that the client gives out
	since time.Time // of the first batch that nothing came of; zero where there is none
}

// New returns a Reader.
func New(skip func(*Batch) error) *Reader {
	return &Reader{Skip: skip, parts: make(map[place]*progress)}
}

// Begin says where the client begins to read partitions; an offset below 0 is the
// partition's start. It comes before the first poll that brings records of them.
func (r *Reader) Begin(topic string, partition int32, offset int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts[place{topic, partition}] = &progress{at: offset}
}

// Forget says that a topic is not read any more.
func (r *Reader) Forget(topics ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, topic := range topics {
		for at := range r.parts {
			if at.topic == topic {
				delete(r.parts, at)
			}
		}
	}
}

// OnFetchBatchRead implements [kgo.HookFetchBatchRead].
func (r *Reader) OnFetchBatchRead(_ kgo.BrokerMetadata, topic string, partition int32, _ kgo.FetchBatchMetrics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.parts[place{topic, partition}]; p != nil && p.since.IsZero() {
		p.since = time.Now()
	}
}

// Polled looks at what a poll brought, and past the batches that it stopped at. In a
// group it comes before the poll's partitions may be revoked. It reports whether the
// client was moved.
func (r *Reader) Polled(ctx context.Context, client *kgo.Client, fetches kgo.Fetches) (moved bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found suspicion
	fetches.EachPartition(func(f kgo.FetchTopicPartition) { r.advance(f, &found) })
	for at, p := range r.parts {
		if !p.since.IsZero() && time.Since(p.since) > Patience {
			found.suspect(at, p.at)
			p.since = time.Time{}
		}
	}
	r.mu.Unlock()
	defer r.mu.Lock()
	for at, gap := range found.gaps {
		err = errors.Join(err, r.fill(ctx, client, at, gap[0], gap[1]))
	}
	for at, offset := range found.suspects {
		skipped, failed := r.look(ctx, client, at, offset)
		moved, err = moved || skipped, errors.Join(err, failed)
	}
	return moved, err
}

// suspicion is where a poll may have met batches that cannot be decoded. Its maps are nil
// mostly: both are rare.
type suspicion struct {
	suspects map[place]int64    // where the client is stuck
	gaps     map[place][2]int64 // what it has passed over
}

// suspect notes that the client is stuck.
func (s *suspicion) suspect(at place, offset int64) {
	if s.suspects == nil {
		s.suspects = make(map[place]int64)
	}
	s.suspects[at] = offset
}

// passed notes that the client has passed over offsets.
func (s *suspicion) passed(at place, from, to int64) {
	if s.gaps == nil {
		s.gaps = make(map[place][2]int64)
	}
	s.gaps[at] = [2]int64{from, to}
}

// advance notes what a poll brought of a partition. The caller holds mu.
func (r *Reader) advance(f kgo.FetchTopicPartition, found *suspicion) {
	at := place{f.Topic, f.Partition}
	p := r.parts[at]
	if p == nil {
		return
	}
	if n := len(f.Records); n > 0 {
		if from, to := Gaps(p.at, f.Records); from >= 0 && from < to {
			found.passed(at, from, to)
		}
		p.at, p.since = f.Records[n-1].Offset+1, time.Time{}
	} else if f.Err != nil && isDecoding(f.Err) {
		found.suspect(at, p.at)
	}
}

// isDecoding reports whether an error of a fetch can be due to a batch's bytes.
func isDecoding(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrClientClosed) {
		return false
	}
	known, ok := errors.AsType[*kerr.Error](err)
	return !ok || known == kerr.CorruptMessage
}

// Other joins a poll's errors that no batch's bytes are the cause of. The end of the
// poll's own context is none.
func Other(fetches kgo.Fetches) (err error) {
	fetches.EachError(func(_ string, _ int32, e error) {
		if !isDecoding(e) && !errors.Is(e, context.DeadlineExceeded) {
			err = errors.Join(err, e)
		}
	})
	return err
}

// fill reports the batches that the client has passed over.
func (r *Reader) fill(ctx context.Context, client *kgo.Client, at place, from, to int64) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	bad, err := between(ctx, client, at, from, to)
	for _, b := range bad {
		err = errors.Join(err, r.Skip(b))
	}
	return err
}

// look skips the batch that a partition's reader stands before, if it is that.
func (r *Reader) look(ctx context.Context, client *kgo.Client, at place, offset int64) (skipped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	b, err := Find(ctx, client, at.topic, at.partition, offset)
	if err != nil || b == nil {
		return false, err
	}
	if err := r.Skip(b); err != nil {
		return false, err
	}
	client.SetOffsets(map[string]map[int32]kgo.EpochOffset{at.topic: {at.partition: {Epoch: -1, Offset: b.Next}}})
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.parts[at]; p != nil {
		p.at, p.since = b.Next, time.Time{}
	}
	return true, nil
}
