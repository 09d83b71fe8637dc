package answers

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where a record batch (Kafka's message format 2) keeps what, in bytes.
const (
	atLength         = 8
	atMagic          = 16
	atCRC            = 17
	atAttributes     = 21
	atFirstTimestamp = 27
	atMaxTimestamp   = 35
	batchHead        = 61

	lengthFrom     = 12   // what a batch's length counts
	appendTimeFlag = 0x08 // of the attributes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stamps are the topics whose records have the time at which they were written, by
// message.timestamp.type=LogAppendTime. kfake keeps that setting and the producer's
// times. A batch that a producer marks itself it stores under the checksum of other
// times.
//
// So the mender writes the time into batches on their way in, into both ends of their
// range of times, and marks them on their way out, since what kfake stores must not
// be marked. That costs other topics nothing, and these a checksum each time.
type stamps struct {
	now atomic.Pointer[stamped] // nil for none

	mu sync.Mutex // held while now is replaced
}

// stamped are such topics, by name and by id.
type stamped struct {
	names map[string][16]byte
	ids   map[[16]byte]bool
}

func (s *stamped) has(name string, id [16]byte) bool {
	_, ok := s.names[name]
	return ok || s.ids[id]
}

// refresh looks at topics again.
func (s *stamps) refresh(c Cluster, topics ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &stamped{names: make(map[string][16]byte), ids: make(map[[16]byte]bool)}
	if before := s.now.Load(); before != nil {
		for name, id := range before.names {
			next.names[name] = id
		}
	}
	for _, topic := range topics {
		delete(next.names, topic)
		id, configs, ok := c.Topic(topic)
		if kind := configs[TimestampType]; ok && kind != nil && *kind == LogAppendTime {
			next.names[topic] = id
		}
	}
	if len(next.names) == 0 {
		s.now.Store(nil)
		return
	}
	for _, id := range next.names {
		next.ids[id] = true
	}
	s.now.Store(next)
}

// TimestampType is a topic's setting, and LogAppendTime a value of it.
const (
	TimestampType = "message.timestamp.type"
	LogAppendTime = "LogAppendTime"
)

// Load reads which topics have LogAppendTime. It is called before clients write.
func (m *Mender) Load() {
	var names []string
	for _, topic := range m.metadata() {
		if topic.Topic != nil {
			names = append(names, *topic.Topic)
		}
	}
	m.stamps.refresh(m.cluster, names...)
}

// Stamping reports whether there are topics with LogAppendTime: while there are, Produce
// requests are to be shown to [Mender.Stamp], and the answers of Fetch to [Mender.Mark].
func (m *Mender) Stamping() bool { return m.stamps.now.Load() != nil }

// Stamp writes the time into the batches of topics with LogAppendTime, in place. The
// exchange tells it in the answer; ok is false where no topic was concerned.
func (m *Mender) Stamp(req *kmsg.ProduceRequest) (x Exchange, ok bool) {
	topics := m.stamps.now.Load()
	if topics == nil {
		return x, false
	}
	now := time.Now().UnixMilli()
	for _, t := range req.Topics {
		if !topics.has(t.Topic, t.TopicID) {
			continue
		}
		ok = true
		for _, p := range t.Partitions {
			stamp(p.Records, now)
		}
	}
	return complete(func(a *kmsg.ProduceResponse) {
		for i := range a.Topics {
			if t := &a.Topics[i]; topics.has(t.Topic, t.TopicID) {
				for j := range t.Partitions {
					if t.Partitions[j].ErrorCode == 0 {
						t.Partitions[j].LogAppendTime = now
					}
				}
			}
		}
	}), ok
}

// stamp makes now the time of a batch. One that is damaged is left for kfake to refuse.
func stamp(batch []byte, now int64) {
	if !sound(batch) {
		return
	}
	batch[atAttributes+1] &^= appendTimeFlag
	binary.BigEndian.PutUint64(batch[atFirstTimestamp:], uint64(now))
	binary.BigEndian.PutUint64(batch[atMaxTimestamp:], uint64(now))
	sign(batch)
}

// sound reports whether b is one whole batch, with the checksum that it names.
func sound(b []byte) bool {
	return len(b) >= batchHead && b[atMagic] == 2 && int(binary.BigEndian.Uint32(b[atLength:])) == len(b)-lengthFrom &&
		binary.BigEndian.Uint32(b[atCRC:]) == crc32.Checksum(b[atAttributes:], castagnoli)
}

func sign(b []byte) {
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
}

// Mark says in the batches of an answer, in place, that their time is LogAppendTime,
// where their topic has that.
func (m *Mender) Mark(resp kmsg.Response) {
	topics := m.stamps.now.Load()
	if topics == nil {
		return
	}
	switch a := resp.(type) {
	case *kmsg.FetchResponse:
		for _, t := range a.Topics {
			if topics.has(t.Topic, t.TopicID) {
				for _, p := range t.Partitions {
					mark(p.RecordBatches)
				}
			}
		}
	case *kmsg.ShareFetchResponse:
		for _, t := range a.Topics {
			if topics.has("", t.TopicID) {
				for _, p := range t.Partitions {
					mark(p.Records)
				}
			}
		}
	}
}

// mark goes over whole batches. Those whose range of times has two ends were written
// before their topic had LogAppendTime.
func mark(records []byte) {
	for len(records) >= batchHead {
		size := lengthFrom + int(int32(binary.BigEndian.Uint32(records[atLength:])))
		if size < batchHead || size > len(records) {
			return // the last one, cut off
		}
		b := records[:size:size]
		records = records[size:]
		first, last := binary.BigEndian.Uint64(b[atFirstTimestamp:]), binary.BigEndian.Uint64(b[atMaxTimestamp:])
		if b[atMagic] == 2 && first == last && b[atAttributes+1]&appendTimeFlag == 0 && sound(b) {
			b[atAttributes+1] |= appendTimeFlag
			sign(b)
		}
	}
}

func init() {
	on(func(m *Mender, _ *kmsg.ShareFetchRequest) Exchange {
		if !m.Stamping() {
			return Exchange{}
		}
		return complete(func(a *kmsg.ShareFetchResponse) { m.Mark(a) })
	})
}
