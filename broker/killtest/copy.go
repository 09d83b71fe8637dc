package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// copier reads what the producers write and writes it once more, exactly once: the
// offsets of what it has read are committed by the transaction that holds its copies.
type copier struct {
	id   int
	rng  *rand.Rand
	r    *report
	made int // clients
	done atomic.Int64
}

func (c *copier) run(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		c.made++
		s, err := kgo.NewGroupTransactSession(append(common(addr),
			kgo.TransactionalID(fmt.Sprintf("killtest-copy-%d", c.id)), kgo.TransactionTimeout(endTimeout),
			kgo.ConsumerGroup(copyGroup), kgo.ConsumeTopics(plainTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(200*time.Millisecond),
		)...)
		if err != nil {
			c.r.add(broken, "copier %d: %v", c.id, err)
			return
		}
		for ctx.Err() == nil && c.once(ctx, s) == nil {
		}
		s.Close()
	}
}

// once copies what one poll gives. After an error the session is of no use any more.
func (c *copier) once(ctx context.Context, s *kgo.GroupTransactSession) error {
	poll, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	fetches := s.PollRecords(poll, 1+c.rng.IntN(300))
	cancel()
	if fetches.NumRecords() == 0 {
		return ctx.Err()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := s.Begin(); err != nil {
		return err
	}
	n := 0
	var failed atomic.Bool
	fetches.EachRecord(func(r *kgo.Record) {
		n++
		seq, _, _ := cutValue(r.Value)
		made := &kgo.Record{Topic: copyTopic, Partition: r.Partition, Key: r.Key, Value: fmt.Appendf(nil, "%s", seq)}
		s.Produce(end, made, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(true)
			}
		})
	})
	if err := s.Client().Flush(end); err != nil {
		return err
	}
	try := kgo.TransactionEndTry(!failed.Load() && c.rng.IntN(10) > 0)
	ended, err := s.End(end, try)
	if ended {
		c.done.Add(int64(n))
	}
	return err
}
