package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

func (p place) String() string { return fmt.Sprintf("%s-%d", p.topic, p.partition) }

// readings are what all members of a group have been given, by place and offset.
type readings struct {
	seed maphash.Seed
	r    *report

	mu   sync.Mutex
	seen map[place]map[int64]uint64 // the record's hash
}

func newReadings(r *report) *readings {
	return &readings{seed: maphash.MakeSeed(), r: r, seen: make(map[place]map[int64]uint64)}
}

func (v *readings) hash(r *kgo.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(v.seed)
	_, _ = h.Write(r.Key)
	_ = h.WriteByte(0)
	_, _ = h.Write(r.Value)
	return h.Sum64()
}

// add notes a record that was read.
func (v *readings) add(r *kgo.Record) {
	sum := v.hash(r)
	p := place{r.Topic, r.Partition}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen[p] == nil {
		v.seen[p] = make(map[int64]uint64)
	}
	if before, ok := v.seen[p][r.Offset]; ok && before != sum {
		v.r.add(changed, "%s: another record was read there before", at(r))
	}
	v.seen[p][r.Offset] = sum
}

// member reads by a group, and commits what it has read.
type member struct {
	id     int
	group  string
	modern bool // by KIP-848
	auto   bool // commits by an interval, else after each poll
	rng    *rand.Rand
	r      *report
	views  *readings
	marks  *commits
	n      atomic.Int64
}

func (m *member) run(ctx context.Context, addr string) {
	who := fmt.Sprintf("%s %d", m.group, m.id)
	acked := func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if err == nil {
			m.marks.answered(who, req, resp)
		}
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(m.group), kgo.ConsumeTopics(plainTopic, txnTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond),
	}
	if m.modern {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	if m.auto {
		opts = append(opts, kgo.AutoCommitInterval(100*time.Millisecond), kgo.AutoCommitCallback(acked))
	} else {
		opts = append(opts, kgo.DisableAutoCommit())
	}
	cl, err := connect(addr, opts...)
	if err != nil {
		m.r.add(broken, "member %s: %v", who, err)
		return
	}
	defer cl.Close()
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		fetches := cl.PollRecords(poll, 1+m.rng.IntN(500))
		cancel()
		fetches.EachRecord(func(r *kgo.Record) {
			if string(r.Key) != endKey {
				m.views.add(r)
				m.n.Add(1)
			}
		})
		if !m.auto && fetches.NumRecords() > 0 {
			commit, cancel := context.WithTimeout(ctx, 5*time.Second)
			cl.CommitOffsetsSync(commit, cl.UncommittedOffsets(), acked)
			cancel()
		}
	}
}
