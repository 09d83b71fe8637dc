package batch

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	// MaxDecompressed bounds what any batch may decompress to, in bytes: what a
	// reader needs to bear.
	MaxDecompressed = 128 << 20
	// maxRatio bounds how many times a topic's max.message.bytes that may be.
	maxRatio = 128
	// zstdVersion is the first version of Produce whose batches may be zstd.
	zstdVersion = 7
)

// Rules are what the batches of one partition are held to.
type Rules struct {
	// Topic and Partition are for messages alone.
	Topic     string
	Partition int32
	// Version is that of the Produce request.
	Version int16
	// MaxBytes is the topic's max.message.bytes.
	MaxBytes int
	// Compacted topics take no record without a key.
	Compacted bool
	// LogAppendTime says that message.timestamp.type is that: records' own times
	// do not count, they get Now.
	LogAppendTime bool
	// Now is the present, and Before and After are the topic's
	// message.timestamp.before.max.ms and message.timestamp.after.max.ms; all in
	// milliseconds.
	Now, Before, After int64
}

// place is how Kafka's messages name the partition.
func (r *Rules) place() string { return fmt.Sprintf("%s-%d", r.Topic, r.Partition) }

// maxDecompressed is what a batch of the topic may decompress to, in bytes.
func (r *Rules) maxDecompressed() int64 {
	if r.MaxBytes >= MaxDecompressed/maxRatio {
		return MaxDecompressed
	}
	return int64(max(r.MaxBytes, headSize)) * maxRatio
}

// Error says why a batch is refused, as the answer to a Produce does.
type Error struct {
	// Code is Kafka's error.
	Code *kerr.Error
	// Message is the text for a person; from version 8 of Produce on it is sent.
	Message string
	// Records are the records that are at fault, the first 100; none where the
	// batch as a whole is.
	Records []RecordError
}

// RecordError says what is wrong with one record.
type RecordError struct {
	// Index counts the batch's records from 0.
	Index   int32
	Message string
}

func (e *Error) Error() string { return e.Code.Message + ": " + e.Message }

func refusef(code *kerr.Error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Validate checks what a Produce request brings for one partition: exactly one batch
// that every reader can decode. It returns the batch's size: bytes behind it that are
// no whole batch are to be cut off, as Kafka does. Where the header's greatest
// timestamp is not that of the records, or its type is LogAppendTime, it is made
// right in place; where the topic's is, the batch gets the present for its time. The
// checksum of an uncompressed batch that is valid else is left to who appends it.
func Validate(records []byte, r *Rules) (size int, refused *Error) {
	b, refused := single(records, r)
	if refused == nil {
		refused = b.checkAppend(r)
	}
	if refused != nil {
		return 0, refused
	}
	// Kafka looks at the checksum before all that follows. It is computed here only
	// where the answer depends on it.
	compressed := b.compression() != 0
	if compressed && b.crc() != b.computedCRC() {
		return 0, b.corrupt(r)
	}
	latest, refused := b.checkContent(r)
	changes := refused == nil && (r.LogAppendTime || latest != b.maxTimestamp() || b.attributes()&(logAppendFlag|stampFlag) != 0)
	if !compressed && (refused != nil || changes) && b.crc() != b.computedCRC() {
		return 0, b.corrupt(r)
	}
	if refused != nil {
		return 0, refused
	}
	if r.LogAppendTime {
		b.stamp(r.Now)
	} else if changes {
		b.setMaxTimestamp(latest)
	}
	return len(b), nil
}

// corrupt is the refusal of a batch whose checksum is wrong.
func (b batch) corrupt(r *Rules) *Error {
	return refusef(kerr.CorruptMessage, "Record is corrupt (stored crc = %d) in topic partition %s.", b.crc(), r.place())
}

// single takes the one batch out of what a request brings (ProduceRequest.validateRecords).
func single(records []byte, r *Rules) (batch, *Error) {
	first, refused := next(records)
	switch {
	case refused != nil:
		return nil, refused
	case first == nil:
		return nil, refusef(kerr.InvalidRecord,
			"Produce requests with version %d must have at least one record batch per partition", r.Version)
	case first[atMagic] != currentMagic:
		return nil, refusef(kerr.InvalidRecord,
			"Produce requests with version %d are only allowed to contain record batches with magic version 2", r.Version)
	case len(first) < headSize:
		return nil, refusef(kerr.CorruptMessage,
			"Record batch is corrupt (the size %d is smaller than the minimum allowed overhead %d)", len(first), headSize)
	case r.Version < zstdVersion && first.compression() == zstdCodec:
		return nil, refusef(kerr.UnsupportedCompressionType,
			"Produce requests with version %d are not allowed to use ZStandard compression", r.Version)
	}
	second, refused := next(records[len(first):])
	if refused == nil && second != nil {
		refused = refusef(kerr.InvalidRecord,
			"Produce requests with version %d are only allowed to contain exactly one record batch per partition", r.Version)
	}
	return first, refused
}

// next is the batch at the beginning of records; nil where that is not whole
// (ByteBufferLogInputStream).
func next(records []byte) (batch, *Error) {
	if len(records) < logOverhead {
		return nil, nil
	}
	length := int32(binary.BigEndian.Uint32(records[atLength:]))
	if length < minLength {
		return nil, refusef(kerr.CorruptMessage, "Record size %d is less than the minimum record overhead (%d)", length, minLength)
	}
	if len(records) <= atMagic {
		return nil, nil
	}
	if magic := int8(records[atMagic]); magic < 0 || magic > currentMagic {
		return nil, refusef(kerr.CorruptMessage, "Invalid magic found in record: %d", magic)
	}
	if int64(length)+logOverhead > int64(len(records)) {
		return nil, nil
	}
	return batch(records[:logOverhead+int(length)]), nil
}

// checkAppend is what Kafka looks at before the checksum (UnifiedLog).
func (b batch) checkAppend(r *Rules) *Error {
	switch {
	case b.baseOffset() != 0:
		return refusef(kerr.InvalidRecord,
			"The baseOffset of the record batch in the append to %s should be 0, but it is %d", r.place(), b.baseOffset())
	case len(b) > r.MaxBytes:
		return refusef(kerr.MessageTooLarge, "The record batch size in the append to %s is %d bytes which exceeds the "+
			"maximum configured value of %d.", r.place(), len(b), r.MaxBytes)
	case b.compression() > zstdCodec:
		return refusef(kerr.UnsupportedCompressionType, "Unknown compression type id: %d", b.compression())
	}
	return nil
}

// checkContent looks at the header's numbers and at each record (LogValidator), and
// returns the latest time of a record.
func (b batch) checkContent(r *Rules) (latest int64, refused *Error) {
	offsets := int64(b.lastDelta()) + 1
	switch {
	case offsets <= 0:
		return 0, refusef(kerr.InvalidRecord, "Batch has an invalid offset range: [0, %d] in topic partition %s", b.lastDelta(), r.place())
	case b.count() <= 0:
		return 0, refusef(kerr.InvalidRecord, "Invalid reported count for record batch: %d in topic partition %s", b.count(), r.place())
	case offsets != int64(b.count()):
		return 0, refusef(kerr.InvalidRecord, "Inconsistent batch offset range [0, %d] and count of records %d in topic partition %s",
			b.lastDelta(), b.count(), r.place())
	case b.attributes()&controlFlag != 0:
		return 0, refusef(kerr.InvalidRecord, "Clients are not allowed to write control records in topic partition %s", r.place())
	case b.producer() >= 0 && b.sequence() < 0:
		return 0, refusef(kerr.InvalidRecord, "Invalid sequence number %d in record batch with producerId %d in topic partition %s",
			b.sequence(), b.producer(), r.place())
	}
	c := newChecker(b, r)
	if b.compression() == 0 {
		refused = c.plain(b[headSize:])
	} else {
		refused = c.compressed(b)
	}
	if refused == nil {
		refused = c.refusal()
	}
	if b.attributes()&logAppendFlag != 0 {
		c.latest = b.maxTimestamp() // it is the time of each record
	}
	return c.latest, refused
}

// newChecker begins with the first record.
func newChecker(b batch, r *Rules) *checker {
	c := &checker{
		rules: r, count: b.count(), base: b.baseTimestamp(), latest: noTimestamp,
		logAppend: b.attributes()&logAppendFlag != 0, earliest: math.MinInt64, last: math.MaxInt64,
	}
	if c.logAppend {
		c.appended = b.maxTimestamp()
	}
	if r.Before >= 0 && r.Now >= math.MinInt64+r.Before {
		c.earliest = r.Now - r.Before
	}
	if r.After >= 0 && r.Now <= math.MaxInt64-r.After {
		c.last = r.Now + r.After
	}
	return c
}
