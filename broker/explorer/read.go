package explorer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
)

// What one read may cost.
const (
	maxRead      = 500      // messages given
	maxSearched  = 20_000   // records looked at
	maxReadBytes = 64 << 20 // bytes fetched
	readTimeout  = 3 * time.Second
)

// Query says what to read of a topic.
type Query struct {
	Topic string
	// Partition is the only one to read; negative means all, merged by time.
	Partition int32
	// Offset is where to begin in each partition, going forward; negative means
	// not by offset.
	Offset int64
	// Oldest begins with the oldest record; else the newest comes first.
	Oldest bool
	// After is where an earlier answer ended: [Page.Next]. It overrides Oldest.
	After string
	// Limit is how many messages are wanted. Zero means 50; at most 500 are given.
	Limit int
	Filter
}

// Page is a part of what a [Query] asks for.
type Page struct {
	Items []Message `json:"items"`
	Next  string    `json:"next" doc:"What to pass as after to go on; empty where nothing is left."`
	// Searched is how many records were looked at, and Through the time of the
	// last of them.
	Searched int        `json:"searched" doc:"How many messages were looked at."`
	Through  *time.Time `json:"through,omitempty" doc:"The time of the last message that was looked at."`
	// Stopped names what bounds made the search end before it found enough.
	Stopped string `json:"stopped,omitempty" enum:"count,bytes,time" doc:"The search came to its bound in messages, bytes or time: go on with next."`
	// End is where the topic ended: a tail that begins there misses nothing.
	End string `json:"end" doc:"Where the topic ended; the channel tail goes on from there."`
}

// Reader reads and searches messages over the connections of an [admin.Admin]. It is safe
// for concurrent use.
type Reader struct{ admin *admin.Admin }

// NewReader returns a Reader of the Admin's cluster. The Admin stays the caller's.
func NewReader(cluster *admin.Admin) *Reader { return &Reader{cluster} }

// Read reads one page of a topic. Records of transactions that were taken back or
// are open, and Kafka's own marks, are no messages. What retention or compaction
// has removed is passed over. It reads at most 20,000 records, 64 MiB and for 3 s,
// and reports how far it got.
func (r *Reader) Read(ctx context.Context, q Query) (Page, error) {
	m, err := q.compile()
	if err != nil {
		return Page{}, err
	}
	s, end, err := r.scan(ctx, q)
	if err != nil {
		return Page{}, err
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	page := Page{Items: []Message{}, End: end.String()}
	startedAt := time.Now()
	for len(page.Items) < min(q.Limit, maxRead) {
		if page.Stopped = s.exceeded(page.Searched, startedAt); page.Stopped != "" {
			break
		}
		if err := ctx.Err(); err != nil { // what is loaded is looked at for nobody
			return Page{}, fmt.Errorf("read %s: %w", q.Topic, err)
		}
		record, err := s.next(ctx)
		if err != nil {
			return Page{}, err
		}
		if record == nil {
			break
		}
		page.Searched++
		through := record.Timestamp.UTC()
		page.Through = &through
		if m.match(record) {
			page.Items = append(page.Items, messageOf(record, previewBytes))
		}
	}
	page.Next = s.cursor().String()
	return page, nil
}

// exceeded names the bound that a scan has come to, if any.
func (s *scan) exceeded(searched int, startedAt time.Time) string {
	switch {
	case searched >= maxSearched:
		return "count"
	case s.bytes >= maxReadBytes:
		return "bytes"
	case time.Since(startedAt) > readTimeout:
		return "time"
	}
	return ""
}

// scan begins to read what q asks for; end is where the topic ends now.
func (r *Reader) scan(ctx context.Context, q Query) (s *scan, end cursor, err error) {
	after, err := parseCursor(q.After)
	if err != nil {
		return nil, end, &FilterError{"after", err.Error()}
	}
	topic, err := r.admin.DescribeTopic(ctx, q.Topic)
	if err != nil {
		return nil, end, err
	}
	if err := q.checkPartition(topic); err != nil {
		return nil, end, err
	}
	bounds, err := r.offsetRanges(ctx, topic, q.Filter)
	if err != nil {
		return nil, end, err
	}
	s = &scan{reader: r, topic: topic, backward: !q.Oldest}
	if q.After != "" {
		s.backward = after.backward
	}
	end = cursor{at: map[int32]int64{}}
	for _, p := range topic.Partitions.Sorted() {
		b, known := bounds[p.Partition]
		if !known || !q.wants(p.Partition) {
			continue
		}
		end.at[p.Partition] = b.end
		l := &partitionScan{id: p.Partition, lo: max(b.lo, q.Offset), hi: b.hi}
		if at, unread := after.at[p.Partition]; q.After != "" {
			l.resume(at, unread, s.backward)
		}
		if l.lo < l.hi {
			s.partitions = append(s.partitions, l)
		}
	}
	return s, end, nil
}

// wants reports whether a partition is asked for.
func (q *Query) wants(id int32) bool { return q.Partition < 0 || id == q.Partition }

// checkPartition fails where the topic lacks the partition that is asked for.
func (q *Query) checkPartition(topic kadm.TopicDetail) error {
	if _, ok := topic.Partitions[q.Partition]; q.Partition >= 0 && !ok {
		return fmt.Errorf("%w: %s has %d", admin.ErrNoPartition, q.Topic, len(topic.Partitions))
	}
	return nil
}

// resume narrows a partition to what a cursor has left of it.
func (l *partitionScan) resume(at int64, unread, backward bool) {
	switch {
	case !unread:
		l.hi = l.lo
	case backward:
		l.hi = min(l.hi, at)
	default:
		l.lo = max(l.lo, at)
	}
}

// offsetRange is of one partition: its records of a time are in [lo, hi); end is where it
// ends, or where its oldest open transaction begins.
type offsetRange struct{ lo, hi, end int64 }

var errNoLeader = errors.New("it has no leader, or is being deleted; try again")

// offsetRanges asks for those of a topic. A partition without a leader has none; it fails with
// errNoLeader where that is so of all.
func (r *Reader) offsetRanges(ctx context.Context, t kadm.TopicDetail, f Filter) (map[int32]offsetRange, error) {
	starts, err := r.admin.Kadm().ListStartOffsets(ctx, t.Topic)
	if err != nil {
		return nil, fmt.Errorf("list start offsets of %s: %w", t.Topic, err)
	}
	ends, err := r.admin.Kadm().ListCommittedOffsets(ctx, t.Topic)
	if err != nil {
		return nil, fmt.Errorf("list end offsets of %s: %w", t.Topic, err)
	}
	known := map[int32]offsetRange{}
	for id := range t.Partitions {
		start, okStart := starts.Lookup(t.Topic, id)
		end, okEnd := ends.Lookup(t.Topic, id)
		if okStart && okEnd && errors.Join(start.Err, end.Err) == nil {
			known[id] = offsetRange{lo: start.Offset, hi: end.Offset, end: end.Offset}
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("topic %s cannot be read: %w", t.Topic, errNoLeader)
	}
	if !f.Since.IsZero() {
		err = r.narrowByTime(ctx, t.Topic, f.Since.UnixMilli(), known, func(b *offsetRange, at int64) { b.lo = max(b.lo, at) })
	}
	if !f.Until.IsZero() && err == nil {
		err = r.narrowByTime(ctx, t.Topic, f.Until.UnixMilli()+1, known, func(b *offsetRange, at int64) { b.hi = min(b.hi, at) })
	}
	return known, err
}

// narrowByTime asks for the first offsets at or after a time.
func (r *Reader) narrowByTime(ctx context.Context, topic string, milli int64, known map[int32]offsetRange,
	to func(*offsetRange, int64)) error {
	offsets, err := r.admin.Kadm().ListOffsetsAfterMilli(ctx, milli, topic)
	if err != nil {
		return fmt.Errorf("list offsets of %s by time: %w", topic, err)
	}
	for id, b := range known {
		if at, ok := offsets.Lookup(topic, id); ok && at.Err == nil && at.Offset >= 0 {
			to(&b, at.Offset)
			known[id] = b
		}
	}
	return nil
}

// ErrNoMessage says that there is no message at an offset: retention or
// compaction has removed it, or it is not there yet.
var ErrNoMessage = errors.New("there is no message at this offset")

// record reads one record.
func (r *Reader) record(ctx context.Context, topic string, partition int32, offset int64) (*kgo.Record, error) {
	t, err := r.admin.DescribeTopic(ctx, topic)
	if err != nil {
		return nil, err
	}
	if _, ok := t.Partitions[partition]; !ok {
		return nil, fmt.Errorf("%w: %s has %d", admin.ErrNoPartition, topic, len(t.Partitions))
	}
	answers, err := r.fetch(ctx, t, map[int32]int64{partition: offset}, 1)
	if err != nil {
		return nil, err
	}
	for _, record := range answers[partition].records {
		if record.Offset <= offset && offset < after(record) {
			return record, nil
		}
	}
	return nil, fmt.Errorf("%w: %s %d:%d", ErrNoMessage, topic, partition, offset)
}
