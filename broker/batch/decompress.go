package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// The codecs, as the attributes of a batch name them.
const (
	gzipCodec   = 1
	snappyCodec = 2
	lz4Codec    = 3
	zstdCodec   = 4
)

const (
	// largeBytes is what a decompressor may hold without waiting for others: 8 MiB
	// is the window that each decoder of zstd has to bear (RFC 8878).
	largeBytes = 8 << 20
	// maxWindow is the largest window that zstd's own decoders take by default.
	maxWindow = 128 << 20
	// maxSnappyRatio is above what any block of snappy can expand to: 64 bytes
	// from 3.
	maxSnappyRatio = 22
)

// large is held by the one decompressor that may hold more than largeBytes, so that
// many connections at once cannot take all memory.
var large sync.Mutex

// reserve waits for its turn where a decompressor will hold so many bytes. The
// caller calls free when it is done.
func reserve(size int64) (free func()) {
	if size <= largeBytes {
		return func() {}
	}
	large.Lock()
	return large.Unlock
}

// decompress gives what a batch's records are compressed to. The caller calls done
// when it is done reading.
func decompress(codec uint8, p []byte, limit int64) (r io.Reader, done func(), err error) {
	switch codec {
	case gzipCodec:
		return newGzip(p)
	case snappyCodec:
		return newSnappy(p, limit)
	case lz4Codec:
		return newLZ4(p)
	case zstdCodec:
		return newZstd(p)
	}
	return nil, nil, fmt.Errorf("unknown compression type id: %d", codec)
}

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

func newGzip(p []byte) (io.Reader, func(), error) {
	r := gzips.Get().(*gzip.Reader)
	done := func() { gzips.Put(r) }
	if err := r.Reset(bytes.NewReader(p)); err != nil {
		done()
		return nil, nil, err
	}
	return r, done, nil
}

const (
	// lz4Magic begins a frame of lz4, and lz4Head are its bytes that have how the
	// frame is made.
	lz4Magic = 0x184D2204
	lz4Head  = 7
)

var lz4s = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

// newLZ4 takes what Kafka's own decoder does (KafkaLZ4BlockInputStream): one frame of
// version 1 whose blocks stand alone.
func newLZ4(p []byte) (io.Reader, func(), error) {
	if len(p) < lz4Head || binary.LittleEndian.Uint32(p) != lz4Magic {
		return nil, nil, errors.New("lz4: no frame")
	}
	if flags := p[4]; flags>>6 != 1 || flags>>5&1 == 0 || flags&1 != 0 {
		return nil, nil, errors.New("lz4: only frames of version 1, of independent blocks and without a dictionary are known")
	}
	r := lz4s.Get().(*lz4.Reader)
	r.Reset(bytes.NewReader(p))
	return r, func() {
		r.Reset(nil)
		lz4s.Put(r)
	}, nil
}

var zstds = sync.Pool{New: func() any {
	r, err := newZstdReader()
	if err != nil {
		panic(err) // the options are constant
	}
	return r
}}

func newZstdReader() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(MaxDecompressed+largeBytes))
}

// newZstd reads with a decoder that is used again, but for large windows: a decoder
// keeps the largest that it has had.
func newZstd(p []byte) (io.Reader, func(), error) {
	var head zstd.Header
	if err := head.Decode(p); err != nil {
		return nil, nil, fmt.Errorf("zstd: %w", err)
	}
	holds := max(head.WindowSize, min(head.FrameContentSize, maxWindow))
	free := reserve(int64(holds))
	r, keep := zstds.Get().(*zstd.Decoder), holds <= largeBytes
	done := func() {
		if _ = r.Reset(nil); keep { // it lets go of what it read
			zstds.Put(r)
		} else {
			r.Close()
		}
		free()
	}
	if err := r.Reset(bytes.NewReader(p)); err != nil {
		done()
		return nil, nil, err
	}
	return r, done, nil
}
