package fault

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"sync"
	"sync/atomic"
)

// Where a record batch (Kafka's message format 2) keeps what, in bytes.
const (
	atCRC        = 17
	atAttributes = 21
	atProducer   = 43
	atEpoch      = 51
	atSequence   = 53
	atRecords    = 57
	batchHead    = 61

	inTransaction = 0x10 // of the attributes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is the bytes of a record batch.
type batch []byte

// whole reports whether b can be one. kfake refuses what else is wrong.
func (b batch) whole() bool { return len(b) >= batchHead }

func (b batch) records() int32  { return int32(binary.BigEndian.Uint32(b[atRecords:])) }
func (b batch) producer() int64 { return int64(binary.BigEndian.Uint64(b[atProducer:])) }
func (b batch) epoch() int16    { return int16(binary.BigEndian.Uint16(b[atEpoch:])) }
func (b batch) sequence() int32 { return int32(binary.BigEndian.Uint32(b[atSequence:])) }

func (b batch) transactional() bool {
	return binary.BigEndian.Uint16(b[atAttributes:])&inTransaction != 0
}

// sign makes the checksum right again.
func (b batch) sign() {
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
}

// anonymous is a copy that the broker does not know for one: without the
// producer's id and sequence.
func (b batch) anonymous() batch {
	c := append(batch(nil), b...)
	binary.BigEndian.PutUint64(c[atProducer:], math.MaxUint64) // -1
	binary.BigEndian.PutUint16(c[atEpoch:], math.MaxUint16)
	binary.BigEndian.PutUint32(c[atSequence:], math.MaxUint32)
	c.sign()
	return c
}

// maxLost bounds the producers whose lost records are followed.
const maxLost = 4096

// dropTracker counts the records that producers believe to be written and are not. The
// broker expects the sequence of an idempotent producer without gaps, so what
// comes after is numbered anew.
type dropTracker struct {
	any atomic.Bool

	mu sync.Mutex
	by map[writer]int32
}

// writer is an idempotent producer at one partition.
type writer struct {
	producer  int64
	epoch     int16
	topic     string
	partition int32
}

func writerOf(b batch, topic string, partition int32) writer {
	return writer{b.producer(), b.epoch(), topic, partition}
}

// add notes that a batch is lost. It reports false where it cannot be followed.
func (l *dropTracker) add(b batch, topic string, partition int32) bool {
	if b.producer() < 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := writerOf(b, topic, partition)
	if _, ok := l.by[w]; !ok && len(l.by) >= maxLost {
		return false
	}
	if l.by == nil {
		l.by = make(map[writer]int32)
	}
	l.by[w] = (l.by[w] + b.records()) & math.MaxInt32
	l.any.Store(true)
	return true
}

// renumber closes the gap before a batch, in place, and reports whether there
// was one.
func (l *dropTracker) renumber(b batch, topic string, partition int32) bool {
	if !l.any.Load() || b.producer() < 0 {
		return false
	}
	l.mu.Lock()
	gap := l.by[writerOf(b, topic, partition)]
	l.mu.Unlock()
	if gap == 0 {
		return false
	}
	binary.BigEndian.PutUint32(b[atSequence:], uint32((b.sequence()-gap)&math.MaxInt32))
	b.sign()
	return true
}
