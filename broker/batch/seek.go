package batch

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Seek finds in a stored batch the first record of the time at or later (in ms), and of
// the offset from or later. Of its records it holds a few kB at a time. An error says
// that they cannot be read.
func Seek(stored []byte, at, from int64) (offset, timestamp int64, found bool, err error) {
	if len(stored) < headSize {
		return 0, 0, false, io.ErrUnexpectedEOF
	}
	b := batch(stored)
	one := b.attributes()&(stampFlag|logAppendFlag) != 0 // all records have the batch's time
	if b.maxTimestamp() < at && !one {
		return 0, 0, false, nil
	}
	in := buffers.Get().(*bufio.Reader)
	defer func() {
		in.Reset(nil)
		buffers.Put(in)
	}()
	if b.compression() == 0 {
		in.Reset(bytes.NewReader(b[headSize:]))
	} else {
		records, done, err := decompress(b.compression(), b[headSize:], MaxDecompressed)
		if err != nil {
			return 0, 0, false, err
		}
		defer done()
		in.Reset(&bounded{records, MaxDecompressed})
	}
	s := &stream{in: in}
	for range b.count() {
		timeDelta, offsetDelta := s.place()
		if s.err != nil {
			return 0, 0, false, errors.Join(errors.New("read a stored batch"), s.err)
		}
		offset, timestamp = b.baseOffset()+int64(offsetDelta), b.baseTimestamp()+timeDelta
		if one {
			timestamp = b.time()
		}
		if timestamp >= at && offset >= from {
			return offset, timestamp, true, nil
		}
	}
	return 0, 0, false, nil
}

// time is that of all records, of a batch whose they do not have their own.
func (b batch) time() int64 {
	if b.attributes()&stampFlag != 0 {
		return b.baseTimestamp() // see stamp
	}
	return b.maxTimestamp()
}

// place reads over one record, and returns where it is.
func (s *stream) place() (timeDelta int64, offsetDelta int32) {
	s.left = binary.MaxVarintLen64 // of the length itself
	s.left = int64(s.varint())
	s.skip(1) // the attributes
	timeDelta, offsetDelta = s.varlong(), s.varint()
	s.skip(s.left)
	return timeDelta, offsetDelta
}

// MaxTimestamp is the latest time of a stored batch's records, by its header. It is the
// first 61 bytes at least.
func MaxTimestamp(head []byte) int64 {
	if b := batch(head); b.attributes()&stampFlag == 0 {
		return b.maxTimestamp()
	}
	return batch(head).baseTimestamp()
}
