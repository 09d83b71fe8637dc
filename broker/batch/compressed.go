package batch

import (
	"bufio"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kerr"
)

// bufferSize is how much of a decompressed batch is held at a time, in bytes.
const bufferSize = 8 << 10

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

// errTooLarge says that a batch decompresses to more than its bound.
var errTooLarge = errors.New("decompresses to too much")

// bounded fails with errTooLarge behind its bound.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// compressed walks over the records of a compressed batch as they decompress.
func (c *checker) compressed(b batch) *Error {
	limit := c.rules.maxDecompressed()
	from, done, err := decompress(b.compression(), b[headSize:], limit)
	if err != nil {
		return c.undecodable(err, limit)
	}
	defer done()
	in := buffers.Get().(*bufio.Reader)
	in.Reset(&bounded{from, limit})
	defer func() {
		in.Reset(nil)
		buffers.Put(in)
	}()
	s := &stream{in: in}
	for i := range c.count {
		if what := s.record(c, i); s.err != nil {
			return c.streamError(i, s.err, limit)
		} else if what != "" {
			return c.structure(i, what)
		}
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return c.structure(c.count-1, remaining)
	case err != io.EOF:
		return c.streamError(c.count-1, err, limit)
	}
	return nil
}

func (c *checker) streamError(index int32, err error, limit int64) *Error {
	if errors.Is(err, io.EOF) {
		return c.structure(index, premature)
	}
	return c.undecodable(err, limit)
}

// undecodable is the refusal of a batch that does not decompress.
func (c *checker) undecodable(err error, limit int64) *Error {
	if errors.Is(err, errTooLarge) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return refusef(kerr.MessageTooLarge, "The record batch in the append to %s decompresses to more than %d bytes", c.rules.place(), limit)
	}
	return refusef(kerr.InvalidRecord, "Failed to decompress the record batch in the append to %s: %v", c.rules.place(), err)
}

// stream reads records that are not in memory. Its first error stays.
type stream struct {
	in   *bufio.Reader
	left int64 // of the record
	err  error
}

// record is plain's step and fields in one.
func (s *stream) record(c *checker, index int32) (bad string) {
	s.left = 10 // of the length itself
	size := s.varint()
	if s.err == nil && size < 0 {
		return badLength
	}
	s.left = int64(size)
	s.skip(1)
	timeDelta := s.varlong()
	offsetDelta := s.varint()
	key := s.field(-1)
	s.field(-1)
	headers := s.varint()
	if s.err == nil && (headers < 0 || int64(headers) > s.left/2) {
		return badHeaders
	}
	for i := int32(0); i < headers && s.err == nil; i++ {
		s.field(0)
		s.field(-1)
	}
	if errors.Is(s.err, errRecord) {
		s.err = nil
		return badLength
	}
	if s.err == nil && s.left != 0 {
		return badEnd
	}
	if s.err == nil {
		c.record(index, timeDelta, offsetDelta, key >= 0)
	}
	return ""
}

// errRecord says that a record is not what its lengths say.
var errRecord = errors.New(badLength)

// field passes over a field behind its length, which is least or more.
func (s *stream) field(least int32) int32 {
	size := s.varint()
	if s.err == nil && size < least {
		s.err = errRecord
	}
	s.skip(int64(max(size, 0)))
	return size
}

func (s *stream) skip(n int64) {
	if s.err != nil {
		return
	}
	if n > s.left {
		s.err = errRecord
		return
	}
	s.left -= n
	_, s.err = s.in.Discard(int(n)) // a record's length has 32 bits
}

func (s *stream) varint() int32 {
	v, n := varint(s.peek(5))
	s.passed(n)
	return v
}

func (s *stream) varlong() int64 {
	v, n := varlong(s.peek(10))
	s.passed(n)
	return v
}

// peek is the next bytes of the record, at most n.
func (s *stream) peek(n int64) []byte {
	if s.err != nil {
		return nil
	}
	p, err := s.in.Peek(int(min(n, s.left)))
	if len(p) == 0 && s.left > 0 {
		s.err = err
	} else if err != nil && err != io.EOF {
		s.err = err
	}
	return p
}

// passed takes a number's bytes.
func (s *stream) passed(n int) {
	switch {
	case s.err != nil:
	case n <= 0:
		s.err = errRecord
	default:
		s.left -= int64(n)
		_, s.err = s.in.Discard(n)
	}
}
