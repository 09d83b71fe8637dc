package recovery

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// batchHeader is the size of a record batch before its records, and
	// batchPrefix that of what its length does not count.
	batchHeader = 61
	batchPrefix = 12
	// maxBatch is the largest that kfake reads back.
	maxBatch = 1 << 30
	// indexEntry is the size of what kfake keeps of each batch in an .idx file.
	indexEntry = 15

	attributeTransactional = 0x10
	attributeControl       = 0x20

	formatVersion = 1 // of kfake's files
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is the header of a record batch, as it is stored and sent (KIP-98).
type batch struct {
	base          int64
	size          int64 // in bytes, all of it
	leaderEpoch   int32
	attributes    int16
	lastDelta     int32
	firstTime     int64 // ms
	maxTime       int64 // ms
	producer      int64 // -1 is none
	producerEpoch int16
	sequence      int32
}

// end is the offset after the batch.
func (b *batch) end() int64          { return b.base + int64(b.lastDelta) + 1 }
func (b *batch) control() bool       { return b.attributes&attributeControl != 0 }
func (b *batch) transactional() bool { return b.attributes&attributeTransactional != 0 }

// parseBatch reads a header. It reports whether it can be one: the checksum is
// for checkBatch.
func parseBatch(p []byte) (batch, bool) {
	if len(p) < batchHeader || p[16] != 2 {
		return batch{}, false
	}
	be := binary.BigEndian
	b := batch{
		base: int64(be.Uint64(p)), size: batchPrefix + int64(be.Uint32(p[8:])), leaderEpoch: int32(be.Uint32(p[12:])),
		attributes: int16(be.Uint16(p[21:])), lastDelta: int32(be.Uint32(p[23:])),
		firstTime: int64(be.Uint64(p[27:])), maxTime: int64(be.Uint64(p[35:])),
		producer: int64(be.Uint64(p[43:])), producerEpoch: int16(be.Uint16(p[51:])), sequence: int32(be.Uint32(p[53:])),
	}
	ok := b.base >= 0 && b.size >= batchHeader && b.size <= maxBatch && b.lastDelta >= 0 && b.end() > b.base
	return b, ok
}

// checkBatch reports whether a whole batch is what its checksum says.
func checkBatch(p []byte) bool {
	return crc32.Checksum(p[21:], castagnoli) == binary.BigEndian.Uint32(p[17:])
}

// isAbort reports whether a control batch aborts. One that cannot be read does,
// as kfake has it.
func isAbort(p []byte) bool {
	var r kmsg.Record
	if len(p) <= batchHeader || r.ReadFrom(p[batchHeader:]) != nil || len(r.Key) < 4 {
		return true
	}
	return binary.BigEndian.Uint16(r.Key[2:]) == uint16(kmsg.ControlRecordKeyTypeAbort)
}

// markerBatch is the control batch that ends a transaction.
func markerBatch(base int64, leaderEpoch int32, producer int64, epoch int16, commit bool, now int64) []byte {
	key := kmsg.ControlRecordKey{Type: kmsg.ControlRecordKeyTypeAbort}
	if commit {
		key.Type = kmsg.ControlRecordKeyTypeCommit
	}
	value := kmsg.EndTxnMarker{}
	r := kmsg.Record{Key: key.AppendTo(nil), Value: value.AppendTo(nil)}
	r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself takes one byte
	b := kmsg.RecordBatch{
		FirstOffset: base, PartitionLeaderEpoch: leaderEpoch, Magic: 2, Attributes: attributeControl | attributeTransactional,
		FirstTimestamp: now, MaxTimestamp: now, ProducerID: producer, ProducerEpoch: epoch, FirstSequence: -1,
		NumRecords: 1, Records: r.AppendTo(nil),
	}
	p := b.AppendTo(nil)
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-batchPrefix))
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[21:], castagnoli))
	return p
}

// appendIndex adds the entry of b to an index, as kfake writes it.
func appendIndex(index []byte, b *batch, maxTime int64) []byte {
	var e [indexEntry]byte
	e[0] = formatVersion
	binary.LittleEndian.PutUint32(e[2:], uint32(b.leaderEpoch))
	binary.LittleEndian.PutUint64(e[6:], uint64(maxTime))
	if b.transactional() && !b.control() {
		e[14] = 1
	}
	e[1] = byte(crc32.Checksum(e[2:], castagnoli))
	return append(index, e[:]...)
}
