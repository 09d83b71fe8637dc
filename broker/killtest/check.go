package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// load is all that works on the broker.
type load struct {
	r           *report
	producers   []*producer
	transactors []*transactor
	copiers     []*copier
	members     []*member
	views       map[string]*readings // by group
	marks       *commits
}

func newLoad(o options, r *report) *load {
	n := uint64(0)
	rng := func() *rand.Rand {
		n++
		return rand.New(rand.NewPCG(o.seed, n))
	}
	l := &load{r: r, marks: newCommits(r), views: map[string]*readings{readGroup: newReadings(r), modernGroup: newReadings(r)}}
	for id := range 6 {
		l.producers = append(l.producers, &producer{id: id, rate: o.rate, rng: rng(), r: r})
	}
	l.transactors = []*transactor{{id: 0, rng: rng(), r: r}}
	for id := range 2 {
		l.copiers = append(l.copiers, &copier{id: id, rng: rng(), r: r})
	}
	join := func(group string, modern bool, n int) {
		for id := range n {
			m := &member{id: id, group: group, modern: modern, auto: id%2 == 0, rng: rng(), r: r, views: l.views[group], marks: l.marks}
			l.members = append(l.members, m)
		}
	}
	join(readGroup, false, 4)
	join(modernGroup, true, 2)
	return l
}

// check runs the load, kills the server, and looks for what is missing.
func check(ctx context.Context, s server, o options) *report {
	r := newReport(o.print)
	r.note("seed %d", o.seed)
	l := newLoad(o, r)
	k := &killer{s: s, o: o, r: r, rng: rand.New(rand.NewPCG(o.seed, 0))}
	if err := k.start(ctx); err != nil {
		r.add(broken, "%v", err)
		return r
	}
	if err := prepare(ctx, s.Addr()); err != nil {
		r.add(broken, "%v", err)
		return r
	}
	writing, stopWriting := context.WithCancel(ctx)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var writers, readers sync.WaitGroup
	for _, p := range l.producers {
		writers.Go(func() { p.run(writing, s.Addr()) })
	}
	for _, t := range l.transactors {
		writers.Go(func() { t.run(writing, s.Addr()) })
	}
	for _, c := range l.copiers {
		readers.Go(func() { c.run(reading, s.Addr()) })
	}
	for _, m := range l.members {
		readers.Go(func() { m.run(reading, s.Addr()) })
	}
	readers.Go(func() { l.marks.watch(reading, s.Addr()) })
	readers.Go(func() { l.marks.increase(reading, s.Addr()) })
	err := k.run(ctx)
	stopWriting()
	writers.Wait()
	if err == nil {
		l.settle(ctx, s.Addr(), o.settle)
	}
	stopReading()
	readers.Wait()
	if err == nil {
		err = k.restart(ctx) // what is verified has seen one more kill
	}
	if err != nil {
		r.add(broken, "%v", err)
		return r
	}
	l.verify(ctx, s.Addr())
	l.count()
	return r
}

// settle waits until the groups have read all, as long as they get on.
func (l *load) settle(ctx context.Context, addr string, limit time.Duration) {
	cl, err := connect(addr)
	if err != nil {
		l.r.add(broken, "%v", err)
		return
	}
	defer cl.Close()
	for p := range int32(partitions) {
		if err := cl.ProduceSync(ctx, endRecord(txnTopic, p)).FirstErr(); err != nil {
			l.r.add(broken, "write the last records: %v", err)
			return
		}
	}
	adm := kadm.NewClient(cl)
	left, since := int64(-1), time.Now()
	for {
		now, behind, err := lag(ctx, adm)
		switch {
		case err != nil:
			behind = err.Error()
		case now == 0:
			return
		case now != left:
			left, since = now, time.Now()
		}
		if time.Since(since) > limit || !pause(ctx, 200*time.Millisecond) {
			l.r.add(broken, "the groups have not got on for %s: %s", limit, behind)
			return
		}
	}
}

// lag is how many records groups have still to read, and of which partition.
func lag(ctx context.Context, adm *kadm.Client) (sum int64, behind string, err error) {
	ends, err := adm.ListEndOffsets(ctx, plainTopic, txnTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, "", err
	}
	for _, group := range []string{readGroup, modernGroup, copyGroup} {
		found, err := adm.FetchOffsets(ctx, group)
		if err != nil {
			return 0, "", err
		}
		ends.Each(func(end kadm.ListedOffset) {
			if group == copyGroup && end.Topic != plainTopic || end.Offset == 0 {
				return
			}
			now, _ := found.Lookup(end.Topic, end.Partition) // none is 0
			if now.At < end.Offset {
				sum += end.Offset - now.At
				behind = fmt.Sprintf("group %s is at %d of %s-%d, which ends at %d", group, now.At, end.Topic, end.Partition, end.Offset)
			}
		})
	}
	return sum, behind, nil
}

// count adds what was done to the summary.
func (l *load) count() {
	sent, copied := 0, int64(0)
	for _, p := range l.producers {
		sent += p.sent()
	}
	for _, c := range l.copiers {
		copied += c.done.Load()
	}
	var outcomes [3]int
	for _, t := range l.transactors {
		for _, x := range t.txns {
			outcomes[x.outcome]++
		}
		l.r.note("transactor %d: %d transactions by %d clients", t.id, len(t.txns), t.made)
	}
	l.r.note("%d records, %d copies; %d transactions committed, %d not, %d without an answer; %d commits seen",
		sent, copied, outcomes[committed], outcomes[unended], outcomes[asked], l.marks.n.Load())
	for _, m := range l.members {
		l.r.note("member %s %d: %d records", m.group, m.id, m.n.Load())
	}
	for _, c := range l.copiers {
		l.r.note("copier %d: %d copies by %d clients", c.id, c.done.Load(), c.made)
	}
}
