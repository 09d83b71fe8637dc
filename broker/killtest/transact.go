package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outcome of a transaction, as far as its producer knows.
type outcome int8

const (
	unended   outcome = iota // never asked to commit: must stay invisible
	asked                    // asked to, without an answer: all of it or nothing
	committed                // must be visible
)

func (o outcome) String() string {
	return [...]string{"not committed", "unanswered commit", "committed"}[o]
}

// txn is one transaction.
type txn struct {
	size    int
	outcome outcome
}

// transactor writes transactions over several partitions, and aborts some. Where its
// client can go on no more, it makes another, as an application does.
type transactor struct {
	id  int
	rng *rand.Rand
	r   *report

	mu   sync.Mutex
	txns []txn
	made int // clients
}

// endTimeout bounds one step of a transaction.
const endTimeout = 20 * time.Second

func (t *transactor) run(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		t.made++
		cl, err := connect(addr, kgo.TransactionalID(fmt.Sprintf("killtest-%d", t.id)), kgo.TransactionTimeout(endTimeout))
		if err != nil {
			t.r.add(broken, "transactor %d: %v", t.id, err)
			return
		}
		for ctx.Err() == nil && t.once(context.WithoutCancel(ctx), cl) == nil && pause(ctx, time.Duration(t.rng.IntN(30))*time.Millisecond) {
		}
		cl.Close()
	}
	// What the last client left open is ended by the next, here as anywhere.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	cl, err := connect(addr, kgo.TransactionalID(fmt.Sprintf("killtest-%d", t.id)), kgo.TransactionTimeout(endTimeout))
	if err == nil {
		defer cl.Close()
		_, _, err = cl.ProducerID(last)
	}
	if err != nil {
		t.r.add(broken, "transactor %d: cannot end what is left: %v", t.id, err)
	}
}

// once writes one transaction. After an error the client is of no use any more.
func (t *transactor) once(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	size := 2 + t.rng.IntN(12)
	number := t.begin(size)
	first, spread := t.rng.Int32N(partitions), 2+t.rng.Int32N(partitions-1)
	var failed atomic.Pointer[error]
	for i := range size {
		r := txnRecord(t.rng, t.id, number, i, (first+int32(i)%spread)%partitions)
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
		if t.rng.IntN(8) == 0 && !pause(ctx, time.Duration(t.rng.IntN(15))*time.Millisecond) {
			break
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil || t.rng.IntN(4) == 0 {
		return cl.EndTransaction(ctx, kgo.TryAbort)
	}
	t.set(number, asked)
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return err
	}
	t.set(number, committed)
	return nil
}

func (t *transactor) begin(size int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.txns = append(t.txns, txn{size: size})
	return len(t.txns) - 1
}

func (t *transactor) set(number int, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.txns[number].outcome = o
}
