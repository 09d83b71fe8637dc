package dlq

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

// listing gathers the dead letters of a service that are not resolved.
type listing struct {
	service     string
	until       ends
	unread      ends // of the partitions that are not read to their ends
	byPartition map[int32][]*DeadLetter
	resolved    map[[2]int64]bool // by partition and offset
}

func newListing(service string, until ends) *listing {
	return &listing{
		service: service, until: until, unread: maps.Clone(until),
		byPartition: map[int32][]*DeadLetter{}, resolved: map[[2]int64]bool{},
	}
}

// add adds a record: a dead letter, or that one is resolved.
func (l *listing) add(r *kgo.Record) {
	if r.Offset >= l.until[r.Partition]-1 {
		delete(l.unread, r.Partition)
	}
	if r.Offset >= l.until[r.Partition] {
		return
	}
	if at, ok := resolvedOffset(r); ok {
		l.resolved[[2]int64{int64(r.Partition), at}] = true
		return
	}
	l.byPartition[r.Partition] = append(l.byPartition[r.Partition], read(l.service, r))
}

// addBatch adds a batch that cannot be decoded.
func (l *listing) addBatch(b *undecodable.Batch) error {
	l.byPartition[b.Partition] = append(l.byPartition[b.Partition], unreadable(l.service, b))
	if b.Next >= l.until[b.Partition] {
		delete(l.unread, b.Partition)
	}
	return nil
}

// open returns the dead letters that are not resolved, oldest first within each partition.
func (l *listing) open() []*DeadLetter {
	var open []*DeadLetter
	for _, id := range slices.Sorted(maps.Keys(l.byPartition)) {
		for _, d := range l.byPartition[id] {
			if !l.resolved[[2]int64{int64(id), d.Offset}] {
				open = append(open, d)
			}
		}
	}
	return open
}
