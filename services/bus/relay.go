package bus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// pageSize is how many rows are held in memory, and published at once at most.
const pageSize = 256

// What is under way when the relay is told to stop is waited for a little longer: each
// row that was sent and stays is sent again.
const (
	ackTime    = 500 * time.Millisecond
	deleteTime = 2 * time.Second
)

// lookTime is how often the relay looks for what another process has stored and
// did not live to publish.
const lookTime = time.Second

// WakeRelay wakes the relay; call it after the commit of what was enqueued. It
// never waits.
func (b *Bus) WakeRelay() { signal(b.flush) }

// signal wakes who waits on c, now or next; c has a buffer of one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Relay publishes what [Bus.Enqueue] stored in db, now and whenever
// [Bus.WakeRelay] says that there is more, and deletes each row once the broker has
// acknowledged it. It runs until ctx ends and then returns nil: failures are
// logged and tried again for ever. An event may be published twice, when the
// process dies in between; its id is the same then.
//
// Rows of one key keep their order whatever fails: a row is sent only after
// the broker has acknowledged those of its key before it. A row that the
// broker refuses holds back its own key and no other. One relay per database
// publishes at a time: a second one of the same bus waits until the first has
// ended, and those of other processes by [Options.RelayLock], each until the one
// before has nothing left. Each also publishes what others have left behind.
func (b *Bus) Relay(ctx context.Context, db *sql.DB) error {
	b.relaying.Lock()
	defer b.relaying.Unlock()
	defer b.meter.watchOutbox(db)()
	pace := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	for ctx.Err() == nil {
		err := b.relayAll(ctx, db)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			pace.Reset()
			b.awaitFlush(ctx)
			continue
		}
		delay := pace.NextBackOff()
		b.log.Warn("relay outbox", "error", err, "again_in", delay)
		sleep(ctx, delay)
	}
	return nil
}

// relayAll publishes what there is, alone.
func (b *Bus) relayAll(ctx context.Context, db *sql.DB) error {
	if b.options.RelayLock != nil {
		unlock, err := b.options.RelayLock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	return b.drainOutbox(ctx, db)
}

// awaitFlush waits until there is something to relay, or may be.
func (b *Bus) awaitFlush(ctx context.Context) {
	var look <-chan time.Time // never, without other processes
	if b.options.RelayLock != nil {
		timer := time.NewTimer(lookTime)
		defer timer.Stop()
		look = timer.C
	}
	select {
	case <-b.flush:
	case <-look:
	case <-ctx.Done():
	}
}

// sleep waits for d or ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drainOutbox goes through all rows once. Its error is the last failure; the
// rows concerned are still there.
func (b *Bus) drainOutbox(ctx context.Context, db *sql.DB) error {
	held := make(map[string]bool) // keys whose oldest row failed in this pass
	var failed error
	for after := int64(0); ctx.Err() == nil; {
		rows, err := b.page(ctx, db, after)
		if err != nil || len(rows) == 0 {
			return errors.Join(failed, err)
		}
		after = rows[len(rows)-1].seq
		last := len(rows) < pageSize // who has stored more since has called WakeRelay
		for len(rows) > 0 && ctx.Err() == nil {
			var wave []row
			wave, rows = nextWave(rows, held)
			sent, err := b.publishWave(ctx, wave, held)
			if err != nil {
				failed = err
			}
			// Going on without the deletion would send these again after
			// their successors.
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

// nextWave takes the oldest row of each key that is not held, and all rows
// without a key. What is left are the later rows of those keys.
func nextWave(rows []row, held map[string]bool) (wave, left []row) {
	taken := make(map[string]bool)
	for _, r := range rows {
		switch {
		case r.key == "":
			wave = append(wave, r)
		case held[r.key]:
		case taken[r.key]:
			left = append(left, r)
		default:
			taken[r.key] = true
			wave = append(wave, r)
		}
	}
	return wave, left
}

// publishWave sends rows side by side, and returns those that were
// acknowledged. It holds the keys of the others; its error is one of theirs.
// When ctx ends it soon stops waiting.
func (b *Bus) publishWave(ctx context.Context, wave []row, held map[string]bool) (sent []int64, failed error) {
	type result struct {
		row
		err error
	}
	results := make(chan result, len(wave))
	for _, r := range wave {
		span := b.startRelay(ctx, r.record)
		b.client.TryProduce(context.WithoutCancel(ctx), r.record, func(sent *kgo.Record, err error) {
			if err = note(span, b.produceError(err)); err == nil {
				acked(span, sent)
			}
			span.End()
			results <- result{r, err}
		})
	}
	waiting, stop := outlive(ctx, ackTime)
	defer stop()
	for range wave {
		select {
		case r := <-results:
			if r.err == nil {
				b.meter.relayed(time.Since(r.at))
				sent = append(sent, r.seq)
				continue
			}
			failed = fmt.Errorf("publish %s on %s: %w", Headers(r.record.Headers).Get(headerType), r.record.Topic, r.err)
			if r.key != "" {
				held[r.key] = true
			}
		case <-waiting.Done():
			return sent, failed
		}
	}
	return sent, failed
}

// outlive is a context that ends some time after ctx has.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(longer, d)
		cancel()
	})
	return longer, func() {
		stop()
		cancel()
	}
}

// startRelay begins the span of publishing a stored event, in the trace that it was
// stored in, and has the record carry it on.
func (b *Bus) startRelay(ctx context.Context, r *kgo.Record) trace.Span {
	ctx = propagation.TraceContext{}.Extract(ctx, (*carrier)(&r.Headers))
	ctx, span := b.continued(ctx, "publish", Headers(r.Headers).Get(headerType))
	if span.IsRecording() {
		describeRecord(span, r)
		r.Headers = inject(ctx, withoutTrace(r.Headers))
	}
	return span
}

// deleteRows forgets rows that are with the broker.
func deleteRows(ctx context.Context, db *sql.DB, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	ctx, stop := outlive(ctx, deleteTime)
	defer stop()
	// Of few different lengths, so that the statement is a prepared one.
	size := 1 << bits.Len(uint(len(seqs)-1))
	args := make([]any, size)
	for i := range args {
		args[i] = seqs[min(i, len(seqs)-1)]
	}
	if _, err := db.ExecContext(ctx, `DELETE FROM outbox WHERE seq IN (?`+strings.Repeat(", ?", size-1)+`)`, args...); err != nil {
		return fmt.Errorf("delete from outbox: %w", err)
	}
	return nil
}
