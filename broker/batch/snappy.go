package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/s2"
)

// xerialMagic begins the framing of Java's snappy, whose head is that long with its
// two version numbers. Other clients send a bare block.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHead = 16

var errSnappy = errors.New("snappy: the frame is corrupt")

func newSnappy(p []byte, limit int64) (io.Reader, func(), error) {
	if len(p) > xerialHead && bytes.HasPrefix(p, xerialMagic) {
		largest, err := xerialLargest(p[xerialHead:], limit)
		if err != nil {
			return nil, nil, err
		}
		return &xerialReader{rest: p[xerialHead:]}, reserve(int64(largest)), nil
	}
	size, err := snappySize(p, limit)
	if err != nil {
		return nil, nil, err
	}
	free := reserve(int64(size))
	out, err := s2.Decode(nil, p)
	if err != nil {
		free()
		return nil, nil, err
	}
	return bytes.NewReader(out), free, nil
}

// snappySize is what a block decompresses to. What its bytes cannot come to is not
// believed.
func snappySize(block []byte, limit int64) (int, error) {
	size, err := s2.DecodedLen(block)
	switch {
	case err != nil:
		return 0, err
	case int64(size) > limit:
		return 0, errTooLarge
	case int64(size) > int64(len(block))*maxSnappyRatio:
		return 0, s2.ErrCorrupt
	}
	return size, nil
}

// xerialLargest is the size of the largest block in a frame.
func xerialLargest(frame []byte, limit int64) (largest int, err error) {
	for sum := int64(0); len(frame) > 0; {
		var block []byte
		if block, frame, err = xerialNext(frame); err != nil {
			return 0, err
		}
		size, err := snappySize(block, limit)
		if err != nil {
			return 0, err
		}
		if sum += int64(size); sum > limit {
			return 0, errTooLarge
		}
		largest = max(largest, size)
	}
	return largest, nil
}

// xerialNext takes one block off a frame.
func xerialNext(frame []byte) (block, rest []byte, err error) {
	if len(frame) < 4 {
		return nil, nil, errSnappy
	}
	size := int64(int32(binary.BigEndian.Uint32(frame)))
	if size < 0 || size > int64(len(frame)-4) {
		return nil, nil, errSnappy
	}
	return frame[4 : 4+size], frame[4+size:], nil
}

// xerialReader decompresses one block at a time.
type xerialReader struct {
	rest    []byte
	buffer  []byte
	decoded []byte // of buffer, not read yet
}

// Read implements [io.Reader].
func (x *xerialReader) Read(p []byte) (int, error) {
	for len(x.decoded) == 0 {
		if len(x.rest) == 0 {
			return 0, io.EOF
		}
		block, rest, err := xerialNext(x.rest)
		if err != nil {
			return 0, err
		}
		if x.buffer, err = s2.Decode(x.buffer, block); err != nil {
			return 0, err
		}
		x.rest, x.decoded = rest, x.buffer
	}
	n := copy(p, x.decoded)
	x.decoded = x.decoded[n:]
	return n, nil
}
