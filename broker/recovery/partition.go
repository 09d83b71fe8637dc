package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize/english"
)

// partition is what the files of one say.
type partition struct {
	topic    topicInfo
	number   int32
	dir      string
	start    int64
	end      int64
	first    int64 // of the first batch; -1 is none
	segments segmentList
	transactions
	windows map[int64]window // by producer
	seen    int64            // up to this offset, a checkpoint has seen all windows
	gap     int64            // before this offset, batches are missing: windows may be behind
	maxTime int64
	created time.Time
	epoch   int32
	damage  []Damage
	torn    int64 // bytes of an interrupted write
	markers int   // that were added
	before  snapshotFile
	known   bool // the snapshot before can be read
}

// segmentList is the segments of a partition, by offset.
type segmentList []*segment

// transactions are those that write to a partition.
type transactions struct {
	aborted []abortedTxn
	open    map[int64]openTxn // by producer
	ended   map[int64]marker  // the last of each producer, of those that were read
}

// openTxn is a transaction that has no marker yet.
type openTxn struct {
	First int64 `json:"first"` // offset
	Epoch int16 `json:"epoch"` // of the producer
}

// marker ends a transaction.
type marker struct {
	epoch  int16
	commit bool
}

func partitionDir(root, topic string, number int32) string {
	return filepath.Join(root, "partitions", fmt.Sprintf("%s-%d", url.PathEscape(topic), number))
}

// String is its name among all.
func (p *partition) String() string { return fmt.Sprintf("%s-%d", p.topic.Name, p.number) }

func newPartition(root string, topic topicInfo, number int32) *partition {
	return &partition{
		topic: topic, number: number, dir: partitionDir(root, topic.Name, number),
		transactions: transactions{open: make(map[int64]openTxn), ended: make(map[int64]marker)},
		windows:      make(map[int64]window), maxTime: -1, first: -1,
	}
}

// read learns all of it from its files, from a checkpoint on where there is a
// valid one, and from what the journal notes of its offsets. A suspect one is
// read whole.
func (p *partition) read(known *checkpointPartition, suspect bool, noted offsets, buffer []byte) ([]byte, error) {
	if err := putBack(p.dir); err != nil {
		return buffer, err
	}
	list, wrong, err := segments(p.dir)
	if err != nil {
		return buffer, err
	}
	for _, path := range wrong {
		if err := p.aside(path, errNotFile.Error()); err != nil {
			return buffer, err
		}
	}
	p.segments = list
	if err := p.readSnapshot(); err != nil {
		return buffer, err
	}
	skip, from := p.adopt(known, suspect)
	for i, s := range p.segments[skip:] {
		if i > 0 {
			from = 0
		}
		take := func(b *batch, raw []byte) { p.take(s, b, raw) }
		if buffer, err = s.scan(p.dir, from, p.end, buffer, take); err != nil {
			return buffer, err
		}
	}
	// Compaction, or damage, may have taken a producer's last batches: without a
	// window kfake accepts whatever comes next, and with an old one nothing.
	maps.DeleteFunc(p.windows, func(_ int64, w window) bool { return w.last() < p.gap })
	p.judge(known)
	p.settle(known, noted)
	return buffer, nil
}

// readSnapshot reads what the last clean stop, or recovery, wrote of it.
func (p *partition) readSnapshot() error {
	path := filepath.Join(p.dir, "snapshot.json")
	data, err := content(path)
	if errors.Is(err, errNotFile) {
		return p.aside(path, err.Error())
	}
	if err != nil || data == nil {
		return err
	}
	if json.Unmarshal(data, &p.before) != nil { // it is made anew, from the batches
		p.before = snapshotFile{}
		return nil
	}
	if p.before.Version > formatVersion {
		return newerError(path, p.before.Version)
	}
	p.known = true
	return nil
}

// aside renames what is in the place of one of the partition's files.
func (p *partition) aside(path, what string) error {
	kept, err := setAside(path)
	p.damage = append(p.damage, Damage{Path: path, Kept: kept, Topic: p.topic.Name, Partition: p.number, What: what})
	return err
}

// adopt takes over what a checkpoint knows, where the files still begin as it
// says. It returns the segment and the position to go on from.
func (p *partition) adopt(known *checkpointPartition, suspect bool) (skip int, from int64) {
	if known == nil {
		return 0, 0
	}
	for producer, w := range known.Windows {
		p.windows[producer] = w
	}
	p.seen = known.End
	if suspect {
		return 0, 0
	}
	skip, ok := known.match(p.dir, p.segments)
	if !ok {
		return 0, 0
	}
	p.start, p.end, p.first, p.maxTime, p.epoch = known.Start, known.End, known.Start, known.MaxTime, known.Epoch
	if len(p.segments) > 0 && p.segments[0].base != known.Segments[0].Base {
		p.first = p.segments[0].base // what was before is deleted
	}
	p.aborted = append(p.aborted, known.Aborted...)
	for producer, txn := range known.Open {
		p.open[producer] = txn
	}
	if skip < len(p.segments) && p.segments[skip].base == known.last().Base {
		from = known.last().Size
	}
	return skip, from
}

// take learns from one batch.
func (p *partition) take(s *segment, b *batch, raw []byte) {
	if p.created.IsZero() {
		p.created = time.UnixMilli(b.firstTime)
	}
	if p.first < 0 {
		p.first = b.base
	} else if b.base > p.end && p.end >= p.seen {
		p.gap = b.base
	}
	p.maxTime, p.epoch = max(p.maxTime, b.maxTime), b.leaderEpoch
	s.note(b, p.maxTime)
	p.end = b.end()
	if b.control() {
		abort := isAbort(raw)
		p.endTxn(b.producer, b.base, abort)
		p.ended[b.producer] = marker{b.producerEpoch, !abort}
		return
	}
	if b.producer < 0 {
		return
	}
	if b.transactional() {
		p.extendTxn(b)
	}
	// A checkpoint's window has seen the batches up to its last.
	if w := p.windows[b.producer]; b.sequence >= 0 && b.base > w.last() {
		if w.last() < p.gap {
			w = window{}
		}
		w.push(b)
		p.windows[b.producer] = w
	}
}

// extendTxn notes a batch of an open transaction, which may be its first.
func (t *transactions) extendTxn(b *batch) {
	txn, ok := t.open[b.producer]
	if !ok {
		txn.First = b.base
	}
	txn.Epoch = max(txn.Epoch, b.producerEpoch)
	t.open[b.producer] = txn
}

// endTxn notes a marker at an offset.
func (t *transactions) endTxn(producer, at int64, abort bool) {
	txn, ok := t.open[producer]
	delete(t.open, producer)
	if ok && abort {
		t.aborted = append(t.aborted, abortedTxn{Producer: producer, First: txn.First, Last: at})
	}
}

// judge says what the bytes that are no batches mean. An interrupted write
// leaves some behind the last batch of all; anything else is damage.
func (p *partition) judge(known *checkpointPartition) {
	for i, s := range p.segments {
		for _, h := range s.holes {
			p.gone(s, h.to-h.from, h.first, h.next)
		}
		if s.tail == 0 {
			continue
		}
		last := i == len(p.segments)-1
		next := s.end
		if !last {
			next = p.segments[i+1].base
		}
		if last && s.size-s.tail >= cleanSize(known, &p.before, s.base) {
			p.torn += s.tail
			continue
		}
		p.gone(s, s.tail, s.end, next)
	}
}

// cleanSize is how far a segment is known to have reached with whole batches, from a
// checkpoint or else from the snapshot.
func cleanSize(known *checkpointPartition, before *snapshotFile, base int64) int64 {
	if known != nil {
		for _, s := range known.Segments {
			if s.Base == base {
				return s.Size
			}
		}
		return 0
	}
	for _, s := range before.Segments {
		if s.Base == base {
			return s.Size
		}
	}
	return 0
}

// gone notes that the records from one offset to before another are lost.
func (p *partition) gone(s *segment, size, first, next int64) {
	path := ""
	if s != nil {
		path = s.path(p.dir)
	}
	what := english.Plural(int(size), "byte is", "bytes are") + " not what was written"
	if size == 0 {
		what = "records are missing"
	}
	p.damage = append(p.damage, Damage{
		Path: path, Topic: p.topic.Name, Partition: p.number, Records: true, First: first, Next: next, What: what,
	})
}

// settle decides where the partition starts and ends.
func (p *partition) settle(known *checkpointPartition, noted offsets) {
	read := p.end
	p.start = max(p.start, p.before.LogStartOffset, p.first, noted.Start)
	p.end = max(p.end, p.before.HighWatermark, noted.End, p.start)
	if known != nil {
		p.start, p.end = max(p.start, known.Start), max(p.end, known.End, known.Start)
	}
	if from := max(read, p.start); from < p.end {
		if n := len(p.damage); n > 0 && p.damage[n-1].Records && p.damage[n-1].Next <= p.damage[n-1].First {
			p.damage[n-1].Next = p.end // the range that a damaged tail held
		} else {
			p.gone(nil, 0, from, p.end)
		}
	}
	if p.created.IsZero() {
		p.created = time.Now()
	}
	if !p.before.CreatedAt.IsZero() {
		p.created = p.before.CreatedAt
	}
}

// isEmpty reports whether it never held a record.
func (p *partition) isEmpty() bool { return p.end == 0 && len(p.segments) == 0 }
