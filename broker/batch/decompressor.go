package batch

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// trackedBytes is the size from which what was decompressed is counted until it
	// is garbage.
	trackedBytes = 1 << 20
	// maxOutstanding bounds what is counted, but for the batch that comes then.
	maxOutstanding = 256 << 20
	// collectEvery bounds how often the garbage is looked for, for want of room.
	collectEvery = 100 * time.Millisecond
)

// ErrBusy says that batches which were decompressed hold so much memory that no more
// of it is taken: try again.
var ErrBusy = errors.New("too much is decompressed at once; trying again")

// outstanding is what all of this process's decompressed batches hold.
var outstanding struct {
	bytes     atomic.Int64
	collected atomic.Int64 // when garbage was last looked for, in nanoseconds since the start; 0: never
}

// Decompressor is what clients decompress with: no batch to more than
// [MaxDecompressed], and all that are in use to little more than 256 MiB. It is safe
// for concurrent use.
func Decompressor() kgo.Decompressor { return decompressor{} }

var errOversize = fmt.Errorf("more than %d bytes: %w", MaxDecompressed, kgo.ErrMaxDecompress)

// maxOversize bounds the batches that are remembered.
const maxOversize = 1024

// oversize remembers batches that decompress to too much: readers come to one several
// times, and to find out takes as long as to decompress the most that is allowed.
var oversize = hashes{seed: maphash.MakeSeed()}

type hashes struct {
	seed maphash.Seed
	any  atomic.Bool
	mu   sync.Mutex
	seen map[uint64]bool
}

func (h *hashes) has(p []byte) bool {
	if !h.any.Load() {
		return false
	}
	sum := maphash.Bytes(h.seed, p)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[sum]
}

func (h *hashes) add(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil || len(h.seen) >= maxOversize {
		h.seen = make(map[uint64]bool)
	}
	h.seen[maphash.Bytes(h.seed, p)] = true
	h.any.Store(true)
}

type decompressor struct{}

// Decompress implements [kgo.Decompressor].
func (decompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecNone {
		return src, nil
	}
	if oversize.has(src) {
		return nil, errOversize
	}
	if err := roomLeft(); err != nil {
		return nil, err
	}
	out, err := whole(uint8(codec), src)
	if errors.Is(err, errTooLarge) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		oversize.add(src)
		return nil, errOversize
	}
	if err == nil && cap(out) >= trackedBytes {
		size := int64(cap(out))
		outstanding.bytes.Add(size)
		runtime.AddCleanup(&out[:1][0], func(size int64) { outstanding.bytes.Add(-size) }, size)
	}
	return out, err
}

var began = time.Now()

// roomLeft fails where too much is in use, once it has looked whether it still is.
func roomLeft() error {
	if outstanding.bytes.Load() < maxOutstanding {
		return nil
	}
	last, now := outstanding.collected.Load(), int64(time.Since(began)) // the machine's clock may be set back
	if (last == 0 || time.Duration(now-last) > collectEvery) && outstanding.collected.CompareAndSwap(last, now) {
		runtime.GC()
	}
	if outstanding.bytes.Load() < maxOutstanding {
		return nil
	}
	return ErrBusy
}

var wholeZstd = sync.Pool{New: func() any {
	r, err := zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(MaxDecompressed))
	if err != nil {
		panic(err) // the options are constant
	}
	return r
}}

// whole decompresses a batch.
func whole(codec uint8, src []byte) ([]byte, error) {
	switch codec {
	case zstdCodec:
		r := wholeZstd.Get().(*zstd.Decoder)
		defer wholeZstd.Put(r)
		return r.DecodeAll(src, nil)
	case snappyCodec:
		if !bytes.HasPrefix(src, xerialMagic) {
			if _, err := snappySize(src, MaxDecompressed); err != nil {
				return nil, err
			}
			return s2.Decode(nil, src)
		}
	}
	r, done, err := decompress(codec, src, MaxDecompressed)
	if err != nil {
		return nil, err
	}
	defer done()
	out := bytes.NewBuffer(make([]byte, 0, 4*len(src)))
	if _, err := out.ReadFrom(&bounded{r, MaxDecompressed}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return out.Bytes(), nil
}
