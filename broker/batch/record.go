package batch

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	// maxErrors bounds the records that a refusal lists, shownErrors those in its
	// message.
	maxErrors   = 100
	shownErrors = 3
)

// checker holds the records of one batch to the rules.
type checker struct {
	rules          *Rules
	count          int32
	base           int64 // the base timestamp
	latest         int64 // of the records that were seen
	earliest, last int64 // timestamps in between are allowed
	logAppend      bool  // the batch says that its type is LogAppendTime
	appended       int64 // the time of each record then

	errors   []RecordError
	failed   int  // records with an error
	badTimes bool // at least one of them has a bad timestamp
}

// record looks at what one record says.
func (c *checker) record(index int32, timeDelta int64, offsetDelta int32, hasKey bool) {
	at := c.base + timeDelta
	if offsetDelta == index && (hasKey || !c.rules.Compacted) && !c.logAppend && at >= c.earliest && at <= c.last {
		c.latest = max(c.latest, at)
		return
	}
	if c.logAppend {
		at = c.appended
	}
	switch {
	case offsetDelta != index:
		// Kafka takes such a batch and stores what its readers then trip over.
		c.fail(index, fmt.Sprintf("Offset delta %d of record %d in topic partition %s must be %d",
			offsetDelta, index, c.rules.place(), index))
	case c.rules.Compacted && !hasKey:
		c.fail(index, "Compacted topic cannot accept message without key in topic partition "+c.rules.place())
	case !c.rules.LogAppendTime && at != noTimestamp:
		if at < c.earliest || at > c.last {
			c.badTimes = true
			c.fail(index, fmt.Sprintf("Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]",
				at, index, c.earliest, c.last))
		}
	case c.logAppend:
		c.badTimes = true
		c.fail(index, "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.")
	}
	c.latest = max(c.latest, at)
}

func (c *checker) fail(index int32, message string) {
	c.failed++
	if len(c.errors) < maxErrors {
		c.errors = append(c.errors, RecordError{Index: index, Message: message})
	}
}

// refusal is what the records' errors come to.
func (c *checker) refusal() *Error {
	if c.failed == 0 {
		return nil
	}
	if c.badTimes {
		return &Error{kerr.InvalidTimestamp, "One or more records have been rejected due to invalid timestamp", c.errors}
	}
	shown := make([]string, 0, shownErrors)
	for _, e := range c.errors[:min(len(c.errors), shownErrors)] {
		shown = append(shown, fmt.Sprintf("RecordError(batchIndex=%d, message='%s')", e.Index, e.Message))
	}
	return &Error{kerr.InvalidRecord, fmt.Sprintf("One or more records have been rejected due to %d record errors in total, "+
		"and only showing the first three errors at most: [%s]", c.failed, strings.Join(shown, ", ")), c.errors}
}

// structure is the refusal of a batch whose records cannot be read.
func (c *checker) structure(index int32, what string) *Error {
	return refusef(kerr.InvalidRecord, "Record %d of %d in topic partition %s: %s", index, c.count, c.rules.place(), what)
}

// Why a record cannot be read.
const (
	badVarint  = "a number that is too long, or not there"
	badLength  = "a length that is not within the record"
	badHeaders = "a number of headers that is not within the record"
	badEnd     = "fewer bytes than the record's length tells"
	premature  = "incorrect declared batch size, premature EOF reached"
	remaining  = "incorrect declared batch size, records still remaining"
)

// plain walks over uncompressed records.
func (c *checker) plain(p []byte) *Error {
	for i := range c.count {
		size, n := varint(p)
		if n <= 0 {
			return c.structure(i, premature)
		}
		p = p[n:]
		if size < 0 || int(size) > len(p) {
			return c.structure(i, badLength)
		}
		if what := c.fields(i, p[:size]); what != "" {
			return c.structure(i, what)
		}
		p = p[size:]
	}
	if len(p) > 0 {
		return c.structure(c.count-1, remaining)
	}
	return nil
}

// fields walks over one record behind its length, and returns what is wrong, if
// anything.
func (c *checker) fields(index int32, p []byte) (bad string) {
	if len(p) == 0 {
		return badEnd
	}
	timeDelta, n := varlong(p[1:]) // behind the attributes, which mean nothing
	if n <= 0 {
		return badVarint
	}
	at := 1 + n
	offsetDelta, n := varint(p[at:])
	if n <= 0 {
		return badVarint
	}
	at += n
	key, n := varint(p[at:])
	if n <= 0 || key < -1 || int(key) > len(p)-at-n {
		return badLength
	}
	at += n + max(int(key), 0)
	value, n := varint(p[at:])
	if n <= 0 || value < -1 || int(value) > len(p)-at-n {
		return badLength
	}
	at += n + max(int(value), 0)
	if p = p[at:]; len(p) != 1 || p[0] != 0 { // no headers
		if bad := headers(p); bad != "" {
			return bad
		}
	}
	c.record(index, timeDelta, offsetDelta, key >= 0)
	return ""
}

// headers walks over a record's headers, which are its end.
func headers(p []byte) (bad string) {
	count, n := varint(p)
	if p = p[max(n, 0):]; n <= 0 || count < 0 || int(count) > len(p)/2 {
		return badHeaders
	}
	for range count {
		for least := int32(0); least >= -1; least-- { // a name, and a value or none
			var ok bool
			if p, ok = skip(p, least); !ok {
				return badLength
			}
		}
	}
	if len(p) > 0 {
		return badEnd
	}
	return ""
}

// skip passes over a field behind its length, which is least or more.
func skip(p []byte, least int32) (rest []byte, ok bool) {
	size, n := varint(p)
	if n <= 0 || size < least || int(size) > len(p)-n {
		return nil, false
	}
	return p[n+max(int(size), 0):], true
}

// varint reads a number of 32 bits in zigzag; n is not positive where there is none.
func varint(p []byte) (v int32, n int) {
	if len(p) > 0 && p[0] < 0x80 { // most are small
		return int32(p[0]>>1) ^ -int32(p[0]&1), 1
	}
	return longVarint(p)
}

func longVarint(p []byte) (v int32, n int) {
	var u uint32
	for i := range min(len(p), 5) {
		b := p[i]
		if i == 4 && b > 0x0f {
			return 0, -1
		}
		u |= uint32(b&0x7f) << (7 * i)
		if b < 0x80 {
			return int32(u>>1) ^ -int32(u&1), i + 1
		}
	}
	return 0, 0
}

// varlong is varint for 64 bits.
func varlong(p []byte) (v int64, n int) {
	if len(p) > 0 && p[0] < 0x80 {
		return int64(p[0]>>1) ^ -int64(p[0]&1), 1
	}
	return longVarlong(p)
}

func longVarlong(p []byte) (v int64, n int) {
	var u uint64
	for i := range min(len(p), 10) {
		b := p[i]
		if i == 9 && b > 1 {
			return 0, -1
		}
		u |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + 1
		}
	}
	return 0, 0
}
