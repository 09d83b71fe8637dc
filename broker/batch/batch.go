// Package batch validates record batches (Kafka's message format 2) as Apache Kafka
// does before it acknowledges them: see LogValidator and DefaultRecordBatch in its
// sources. It decodes nothing: records are walked over, compressed ones as a stream,
// so that a batch costs no memory but its decompressor's.
package batch

import (
	"encoding/binary"
	"hash/crc32"
)

// Where a record batch keeps what, in bytes.
const (
	atLength        = 8
	atMagic         = 16
	atCRC           = 17
	atAttributes    = 21
	atLastDelta     = 23
	atBaseTimestamp = 27
	atMaxTimestamp  = 35
	atProducer      = 43
	atSequence      = 53
	atCount         = 57
	headSize        = 61

	logOverhead = 12 // base offset and length, which the length does not count
	minLength   = 14 // of a message of format 0, the smallest
)

// Of the attributes.
const (
	compressionMask = 0x07
	logAppendFlag   = 0x08
	transactionFlag = 0x10
	controlFlag     = 0x20
)

const (
	currentMagic = 2
	noTimestamp  = -1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is the bytes of one whole record batch of at least headSize.
type batch []byte

func (b batch) baseOffset() int64    { return int64(binary.BigEndian.Uint64(b)) }
func (b batch) attributes() uint8    { return b[atAttributes+1] } // the other byte has no meaning
func (b batch) compression() uint8   { return b.attributes() & compressionMask }
func (b batch) lastDelta() int32     { return int32(binary.BigEndian.Uint32(b[atLastDelta:])) }
func (b batch) baseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[atBaseTimestamp:])) }
func (b batch) maxTimestamp() int64  { return int64(binary.BigEndian.Uint64(b[atMaxTimestamp:])) }
func (b batch) producer() int64      { return int64(binary.BigEndian.Uint64(b[atProducer:])) }
func (b batch) sequence() int32      { return int32(binary.BigEndian.Uint32(b[atSequence:])) }
func (b batch) count() int32         { return int32(binary.BigEndian.Uint32(b[atCount:])) }

func (b batch) crc() uint32         { return binary.BigEndian.Uint32(b[atCRC:]) }
func (b batch) computedCRC() uint32 { return crc32.Checksum(b[atAttributes:], castagnoli) }

func (b batch) sign() { binary.BigEndian.PutUint32(b[atCRC:], b.computedCRC()) }

// setMaxTimestamp makes the time that a batch's header has the one of its records,
// and its type the client's, and signs the batch again.
func (b batch) setMaxTimestamp(latest int64) {
	b[atAttributes+1] &^= logAppendFlag | stampFlag
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(latest))
	b.sign()
}

// Transactional reports whether records begin with a batch that is part of a
// transaction. Bytes that are no batch are not.
func Transactional(records []byte) bool {
	return len(records) >= headSize && records[atMagic] == currentMagic && batch(records).attributes()&transactionFlag != 0
}
