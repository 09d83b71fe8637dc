package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/tracing"
)

// pageSize is how many rows are in memory, and published at once at most.
const pageSize = 256

// When the relay is stopped, it waits a little longer for records and deletions under
// way: each row that was sent and stays is sent again.
const (
	ackTimeout    = 500 * time.Millisecond
	deleteTimeout = 2 * time.Second
)

// pollInterval is how often the relay reads the outbox for rows that another process has
// stored, and ended before it published them.
const pollInterval = time.Second

// Wake has the relay read the outbox; call it after the commit of what was enqueued. It
// never waits.
func (o *Outbox) Wake() { conn.Signal(o.wake) }

// Relay publishes what [Outbox.Enqueue] stored in db, now and after each [Outbox.Wake],
// and deletes each row once the broker has acknowledged it. It runs until ctx ends and
// then returns nil: failures are logged and retried for ever. An event may be published
// twice, when the process dies in between; its id is the same then.
//
// Rows of one key stay in order whatever fails: a row is sent only after the broker has
// acknowledged those of its key before it. A row that the broker refuses blocks its own
// key and no other. One relay per database publishes at a time: a second one of the same
// outbox waits until the first has ended, and those of other processes wait for the
// lock, each until the one before has nothing left. Each also publishes the rows that
// others have left.
func (o *Outbox) Relay(ctx context.Context, db *sql.DB) error {
	o.relaying.Lock()
	defer o.relaying.Unlock()
	defer o.conn.Meter.ObserveOutbox(db)()
	retry := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	for ctx.Err() == nil {
		err := o.relayAll(ctx, db)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			retry.Reset()
			o.waitForWork(ctx)
			continue
		}
		delay := retry.NextBackOff()
		o.conn.Log.Warn("relay outbox", "error", err, "again_in", delay)
		conn.Sleep(ctx, delay)
	}
	return nil
}

// relayAll publishes all rows under the lock.
func (o *Outbox) relayAll(ctx context.Context, db *sql.DB) error {
	if o.lock != nil {
		unlock, err := o.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	return o.Drain(ctx, db)
}

// waitForWork waits until there is something to relay, or may be.
func (o *Outbox) waitForWork(ctx context.Context) {
	var poll <-chan time.Time // never, without other processes
	if o.lock != nil {
		timer := time.NewTimer(pollInterval)
		defer timer.Stop()
		poll = timer.C
	}
	select {
	case <-o.wake:
	case <-poll:
	case <-ctx.Done():
	}
}

// Drain publishes all rows once, without the lock. Its error is the last failure; the rows concerned are
// still in the outbox.
func (o *Outbox) Drain(ctx context.Context, db *sql.DB) error {
	blocked := make(map[string]bool) // keys whose oldest row failed in this pass
	var failed error
	for after := int64(0); ctx.Err() == nil; {
		rows, err := o.readOutbox(ctx, db, after)
		if err != nil || len(rows) == 0 {
			return errors.Join(failed, err)
		}
		after = rows[len(rows)-1].seq
		last := len(rows) < pageSize // who has stored more since has called Wake
		for len(rows) > 0 && ctx.Err() == nil {
			var batch []outboxRow
			batch, rows = nextBatch(rows, blocked)
			sent, err := o.publishBatch(ctx, batch, blocked)
			if err != nil {
				failed = err
			}
			// Without the deletion, these would be sent again after their successors.
			if err := deleteRows(ctx, db, sent); err != nil {
				return errors.Join(failed, err)
			}
		}
		if last {
			break
		}
	}
	return failed
}

// nextBatch splits the oldest row of each key that is not blocked, and all rows without
// a key, from the later rows of those keys.
func nextBatch(rows []outboxRow, blockedKeys map[string]bool) (batch, later []outboxRow) {
	inBatch := make(map[string]bool)
	for _, r := range rows {
		switch {
		case r.key == "":
			batch = append(batch, r)
		case blockedKeys[r.key]:
		case inBatch[r.key]:
			later = append(later, r)
		default:
			inBatch[r.key] = true
			batch = append(batch, r)
		}
	}
	return batch, later
}

// publishBatch sends rows concurrently, and returns those that were acknowledged. It
// blocks the keys of the others; its error is one of theirs. When ctx ends it soon stops
// waiting.
func (o *Outbox) publishBatch(ctx context.Context, batch []outboxRow, blockedKeys map[string]bool) (sent []int64, failed error) {
	type result struct {
		outboxRow
		err error
	}
	results := make(chan result, len(batch))
	for _, r := range batch {
		span := o.startRelay(ctx, r.record)
		o.conn.Client.TryProduce(context.WithoutCancel(ctx), r.record, func(sent *kgo.Record, err error) {
			if err = tracing.RecordError(span, o.conn.ProduceError(err)); err == nil {
				tracing.SetPosition(span, sent)
			}
			span.End()
			results <- result{r, err}
		})
	}
	waiting, stop := withGrace(ctx, ackTimeout)
	defer stop()
	for range batch {
		select {
		case r := <-results:
			if r.err == nil {
				o.conn.Meter.Relayed(time.Since(r.at))
				sent = append(sent, r.seq)
				continue
			}
			failed = fmt.Errorf("publish %s on %s: %w", message.Headers(r.record.Headers).Get(message.HeaderType), r.record.Topic, r.err)
			if r.key != "" {
				blockedKeys[r.key] = true
			}
		case <-waiting.Done():
			return sent, failed
		}
	}
	return sent, failed
}

// withGrace returns a context that ends some time after ctx has.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		conn.Sleep(longer, d)
		cancel()
	})
	return longer, func() {
		stop()
		cancel()
	}
}

// startRelay begins the span of publishing a stored event, in the trace that it was
// stored in, and has the record carry it.
func (o *Outbox) startRelay(ctx context.Context, r *kgo.Record) trace.Span {
	ctx = tracing.Extract(ctx, (*message.Headers)(&r.Headers))
	ctx, span := o.conn.Tracer.StartChild(ctx, "publish", message.Headers(r.Headers).Get(message.HeaderType))
	if span.IsRecording() {
		tracing.DescribeRecord(span, r)
		r.Headers = tracing.Inject(ctx, tracing.WithoutTrace(r.Headers))
	}
	return span
}

// deleteRows deletes rows that the broker has acknowledged.
func deleteRows(ctx context.Context, db *sql.DB, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	ctx, stop := withGrace(ctx, deleteTimeout)
	defer stop()
	// Of few different lengths, so that the statement is a prepared one.
	size := 1 << bits.Len(uint(len(seqs)-1))
	args, numbers := make([]any, size), make([]string, size)
	for i := range args {
		args[i], numbers[i] = seqs[min(i, len(seqs)-1)], "$"+strconv.Itoa(i+1)
	}
	if _, err := db.ExecContext(ctx, `DELETE FROM outbox WHERE seq IN (`+strings.Join(numbers, ", ")+`)`, args...); err != nil {
		return fmt.Errorf("delete from outbox: %w", err)
	}
	return nil
}
