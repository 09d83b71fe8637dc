package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// producer is an idempotent one: it numbers its records in each partition, and lives
// as long as the run.
type producer struct {
	id   int
	rate int
	rng  *rand.Rand
	r    *report

	mu    sync.Mutex
	acked [partitions][]int64 // by number: the offset, or notAcked
}

const notAcked = -1

// run writes until ctx ends, and then waits for what is under way.
func (p *producer) run(ctx context.Context, addr string) {
	cl, err := connect(addr, kgo.MaxBufferedRecords(1000), kgo.ProducerLinger(2*time.Millisecond), kgo.StopProducerOnDataLossDetected())
	if err != nil {
		p.r.add(broken, "producer %d: %v", p.id, err)
		return
	}
	defer cl.Close()
	const beat = 10 * time.Millisecond
	due := 0.0
	for pause(ctx, beat) {
		due += float64(p.rate) * beat.Seconds() * 2 * p.rng.Float64()
		for ; due >= 1; due-- {
			p.send(ctx, cl)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := cl.Flush(last); err != nil {
		p.r.add(broken, "producer %d: its last records are not acknowledged within a minute", p.id)
	}
}

func (p *producer) send(ctx context.Context, cl *kgo.Client) {
	partition := p.rng.Int32N(partitions)
	p.mu.Lock()
	seq := int64(len(p.acked[partition]))
	p.acked[partition] = append(p.acked[partition], notAcked)
	p.mu.Unlock()
	// Not ctx: a record that was numbered is written in any case.
	cl.Produce(context.WithoutCancel(ctx), plainRecord(p.rng, p.id, partition, seq), func(r *kgo.Record, err error) {
		if err != nil {
			if !errors.Is(err, kgo.ErrClientClosed) {
				p.r.add(broken, "producer %d: record %d of partition %d: %v", p.id, seq, partition, err)
			}
			return
		}
		p.mu.Lock()
		p.acked[partition][seq] = r.Offset
		p.mu.Unlock()
	})
}

// sent is how many records it has sent.
func (p *producer) sent() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.acked {
		n += len(part)
	}
	return n
}
