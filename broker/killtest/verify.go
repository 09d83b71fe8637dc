package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readTimeout bounds the reading of one topic.
const readTimeout = 2 * time.Minute

// all reads a topic as a consumer of committed records does.
func all(ctx context.Context, addr, topic string, fn func(*kgo.Record)) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	plain, err := connect(addr)
	if err != nil {
		return err
	}
	defer plain.Close()
	adm := kadm.NewClient(plain)
	ends, err := stableEnds(ctx, adm, topic)
	if err != nil {
		return err
	}
	from, left := make(map[int32]kgo.Offset), make(map[int32]int64)
	for partition, end := range ends {
		if end > 0 {
			from[partition], left[partition] = kgo.NewOffset().At(0), end
		}
	}
	cl, err := connect(addr, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("topic %s: cannot be read to the end (left: %v): %w", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() && string(r.Key) != endKey {
				fn(r)
			}
		})
	}
	return nil
}

// stableEnds are where the partitions end. All transactions must have ended.
func stableEnds(ctx context.Context, adm *kadm.Client, topic string) (map[int32]int64, error) {
	stable, err := adm.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	at := make(map[int32]int64)
	ends.Each(func(end kadm.ListedOffset) {
		at[end.Partition] = end.Offset
		if now, _ := stable.Lookup(end.Topic, end.Partition); now.Offset != end.Offset && err == nil {
			err = fmt.Errorf("%s-%d: a transaction stays open: the last stable offset is %d of %d", end.Topic, end.Partition, now.Offset, end.Offset)
		}
	})
	return at, err
}

// verify reads all topics and compares them with what was acknowledged.
func (l *load) verify(ctx context.Context, addr string) {
	for _, step := range []func(context.Context, string) error{l.verifyPlain, l.verifyTransactions} {
		if err := step(ctx, addr); err != nil {
			l.r.add(broken, "%v", err)
		}
	}
}

// key is one record of the idempotent producers.
type key struct {
	producer  int
	partition int32
	seq       int64
}

func (k key) String() string {
	return fmt.Sprintf("record %d of producer %d in partition %d", k.seq, k.producer, k.partition)
}

// numbered reads a topic of numbered records: each once, and in order.
func (l *load) numbered(ctx context.Context, addr, topic string) (map[key]int64, error) {
	found := make(map[key]int64)
	last := make(map[key]int64) // by producer and partition
	err := all(ctx, addr, topic, func(r *kgo.Record) {
		producer, seq, err := plainOf(r)
		if err != nil {
			l.r.add(changed, "%v", err)
			return
		}
		k := key{producer, r.Partition, seq}
		if before, ok := found[k]; ok {
			l.r.add(duplicated, "%s: %s is at %d already", at(r), k, before)
			return
		}
		found[k] = r.Offset
		row := key{producer, r.Partition, 0}
		if seq < last[row] {
			l.r.add(reordered, "%s: %s comes after record %d", at(r), k, last[row])
		}
		last[row] = seq
		l.compare(r)
	})
	return found, err
}

// compare checks that the groups were given what is there.
func (l *load) compare(r *kgo.Record) {
	for group, v := range l.views {
		v.mu.Lock()
		sum, ok := v.seen[place{r.Topic, r.Partition}][r.Offset]
		v.mu.Unlock()
		switch {
		case r.Topic == copyTopic:
		case !ok:
			l.r.add(lost, "%s: group %s was never given it", at(r), group)
		case sum != v.hash(r):
			l.r.add(changed, "%s: group %s was given another record there", at(r), group)
		}
	}
}

// verifyPlain looks for each record of the idempotent producers, and for its copy.
func (l *load) verifyPlain(ctx context.Context, addr string) error {
	found, err := l.numbered(ctx, addr, plainTopic)
	if err != nil {
		return err
	}
	copies, err := l.numbered(ctx, addr, copyTopic)
	if err != nil {
		return err
	}
	for _, p := range l.producers {
		for partition, offsets := range p.acked {
			for seq, offset := range offsets {
				k := key{p.id, int32(partition), int64(seq)}
				at, ok := found[k]
				switch {
				case !ok && offset != notAcked:
					l.r.add(lost, "%s: acknowledged at %d", k, offset)
				case ok && offset != notAcked && offset != at:
					l.r.add(changed, "%s: acknowledged at %d, and found at %d", k, offset, at)
				}
				if _, copied := copies[k]; ok && !copied {
					l.r.add(lost, "%s (offset %d): it has no copy", k, at)
				}
				delete(copies, k)
			}
		}
	}
	for k, at := range copies {
		l.r.add(changed, "copy at %d of %s: nobody sent that", at, k)
	}
	return nil
}

// verifyTransactions looks for each transaction.
func (l *load) verifyTransactions(ctx context.Context, addr string) error {
	visible := make(map[int]map[int]string) // by transaction, by number: where
	places := make(map[place]map[int64]bool)
	err := all(ctx, addr, txnTopic, func(r *kgo.Record) {
		txn, i, err := txnOf(r)
		if err != nil {
			l.r.add(changed, "%v", err)
			return
		}
		if visible[txn] == nil {
			visible[txn] = make(map[int]string)
		}
		if before, ok := visible[txn][i]; ok {
			l.r.add(duplicated, "%s: record %d of transaction %d is at %s already", at(r), i, txn, before)
			return
		}
		visible[txn][i] = at(r)
		p := place{r.Topic, r.Partition}
		if places[p] == nil {
			places[p] = make(map[int64]bool)
		}
		places[p][r.Offset] = true
		l.compare(r)
		if o := l.transactors[0].txns[txn].outcome; o == unended {
			l.r.add(aborted, "%s: record %d of transaction %d, which is %s", at(r), i, txn, o)
		}
	})
	if err != nil {
		return err
	}
	l.checkAtomic(visible)
	l.checkViews(places)
	return nil
}

// checkAtomic finds transactions that are lost or torn.
func (l *load) checkAtomic(visible map[int]map[int]string) {
	for n, x := range l.transactors[0].txns {
		switch seen := len(visible[n]); {
		case x.outcome == committed && seen == 0:
			l.r.add(lost, "transaction %d, which is committed: none of its %d records is visible", n, x.size)
		case x.outcome != unended && seen > 0 && seen < x.size:
			l.r.add(torn, "transaction %d (%s): %d of %d records are visible: %v", n, x.outcome, seen, x.size, visible[n])
		}
	}
}

// checkViews finds records that groups were given and that are not visible.
func (l *load) checkViews(places map[place]map[int64]bool) {
	for group, v := range l.views {
		for p, offsets := range v.seen {
			for offset := range offsets {
				if p.topic == txnTopic && !places[p][offset] {
					l.r.add(aborted, "%s at %d: group %s was given it, and it is not visible now", p, offset, group)
				}
			}
		}
	}
}
