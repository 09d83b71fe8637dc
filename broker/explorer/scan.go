package explorer

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// loadedBytes is about what a scan holds of all partitions together, and
	// firstWindow how many offsets of each it begins to read back with.
	loadedBytes = 4 << 20
	firstWindow = 64
	maxWindow   = 4096
)

// partitionScan is one partition's part of a scan: the offsets from lo up to hi are left.
type partitionScan struct {
	id     int32
	lo, hi int64
	loaded []*kgo.Record // of those that are left, in the order of the scan

	// Reading back goes by windows, [from, hi) each: what a fetch begins with is
	// what the scan gives last. An open window is read up to at.
	open           bool
	size, from, at int64
	bytes          int
	window         []*kgo.Record
}

// scan reads several partitions as one, by time: forward the oldest record comes
// first, back the newest. Each partition keeps its order, whatever its clocks said.
type scan struct {
	reader     *Reader
	topic      kadm.TopicDetail
	backward   bool
	partitions []*partitionScan
	bytes      int // read so far
}

// next is the next record, or nil where none is left.
func (s *scan) next(ctx context.Context) (*kgo.Record, error) {
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	var first *partitionScan
	for _, l := range s.partitions {
		if len(l.loaded) > 0 && (first == nil || s.before(l.loaded[0], first.loaded[0])) {
			first = l
		}
	}
	if first == nil {
		return nil, nil
	}
	r := first.loaded[0]
	first.loaded = first.loaded[1:]
	if s.backward {
		first.hi = r.Offset
	} else {
		first.lo = after(r)
	}
	return r, nil
}

// before reports which of two partitions' records comes first.
func (s *scan) before(a, b *kgo.Record) bool {
	if s.backward {
		a, b = b, a
	}
	if order := a.Timestamp.Compare(b.Timestamp); order != 0 {
		return order < 0
	}
	return a.Partition < b.Partition
}

// cursor is where the scan stands; empty where nothing is left.
func (s *scan) cursor() cursor {
	c := cursor{backward: s.backward, at: map[int32]int64{}}
	for _, l := range s.partitions {
		switch {
		case l.lo >= l.hi:
		case s.backward:
			c.at[l.id] = l.hi
		default:
			c.at[l.id] = l.lo
		}
	}
	return c
}

// load sees to it that every partition with something left has a record loaded.
func (s *scan) load(ctx context.Context) error {
	for {
		from := s.missing()
		if len(from) == 0 {
			return nil
		}
		most := max(loadedBytes/len(s.partitions), 64<<10)
		answers, err := s.reader.fetch(ctx, s.topic, from, int32(most))
		if err != nil {
			return err
		}
		for _, l := range s.partitions {
			got, answered := answers[l.id]
			if _, asked := from[l.id]; !asked || answered && got.crowded {
				continue // the others have something now: there will be room
			}
			s.bytes += got.bytes
			if s.backward {
				l.addBackward(got, most)
			} else {
				l.addForward(got)
			}
		}
	}
}

// missing are the offsets where to read next, by the partitions of which no record is loaded.
func (s *scan) missing() map[int32]int64 {
	from := map[int32]int64{}
	for _, l := range s.partitions {
		if len(l.loaded) == 0 && l.lo < l.hi {
			from[l.id] = l.fetchFrom(s.backward)
		}
	}
	return from
}

// fetchFrom is the offset where to read next.
func (l *partitionScan) fetchFrom(backward bool) int64 {
	if !backward {
		return l.lo
	}
	if !l.open {
		l.size = max(l.size, firstWindow)
		l.from = max(l.lo, l.hi-l.size)
		l.at, l.window, l.bytes, l.open = l.from, nil, 0, true
	}
	return l.at
}

// addForward adds what a forward read found.
func (l *partitionScan) addForward(got portion) {
	l.loaded = below(got.records, l.hi)
	switch {
	case len(l.loaded) > 0:
	case got.gone && got.start > l.lo: // retention was faster
		l.lo = min(got.start, l.hi)
	case got.next > l.lo:
		l.lo = min(got.next, l.hi)
	default:
		l.lo = l.hi // nothing there: the end has been compacted away
	}
}

// addBackward adds what one read of a window found. A window that turns out too large
// shrinks to its newer half.
func (l *partitionScan) addBackward(got portion, most int) {
	l.bytes += got.bytes
	l.window = append(l.window, below(got.records, l.hi)...)
	switch {
	case got.gone && got.start > l.at:
		l.lo, l.from, l.at = got.start, got.start, got.start
	case got.next > l.at:
		l.at = got.next
	default:
		l.at = l.hi
	}
	if l.at < l.hi && l.bytes >= most && l.hi-l.from > 1 {
		l.size = (l.hi - l.from) / 2
		l.from = l.hi - l.size
		l.at, l.bytes = max(l.at, l.from), 0
		l.window = slices.DeleteFunc(l.window, func(r *kgo.Record) bool { return r.Offset < l.from })
		return
	}
	if l.at < l.hi {
		return
	}
	l.open = false
	slices.Reverse(l.window)
	l.loaded, l.window = l.window, nil
	if len(l.loaded) == 0 { // a gap: however wide it is, few steps cross it
		l.hi, l.size = l.from, l.size*4
	} else if l.bytes < most/2 {
		l.size = min(l.size*2, maxWindow)
	}
}

// below returns the records before an offset.
func below(records []*kgo.Record, end int64) []*kgo.Record {
	n := len(records)
	for n > 0 && records[n-1].Offset >= end {
		n--
	}
	return records[:n]
}
