// Package segment reads record batches from the files in which kfake keeps them, as
// they are stored: kfake itself copies each batch four times on its way to a consumer
// (v0.0.0-20260918054303).
//
// A partition's batches, in Kafka's message format 2, stand one after the other in
// files that are named by the offset of their first record, as in "1000.dat".
package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Where a batch keeps what, in bytes.
const (
	atLength     = 8
	atEpoch      = 12
	atMagic      = 16
	atAttributes = 21
	atLastDelta  = 23
	headSize     = 61

	// ofTransaction and control are attributes.
	ofTransaction = 0x10
	control       = 0x20
)

const (
	extension = ".dat"
	// maxPositions bounds how many places of files are known.
	maxPositions = 4096
	// chunk is how much of a file is read at once to find an offset.
	chunk = 256 << 10
)

// ErrNone says that no batch can be read as asked: there may be none, or one that is
// larger than the buffer, or the files have just changed.
var ErrNone = errors.New("no stored batch can be read")

// Store is the files of one broker. It is safe for concurrent use.
type Store struct {
	dir string

	mu        sync.Mutex
	positions map[place]position
	timed     map[Partition][]file

	large sync.Mutex // held while a large batch is in memory
}

// Partition names one. A topic that is made anew has another id.
type Partition struct {
	Topic     string
	ID        [16]byte
	Partition int32
}

type place struct {
	Partition
	offset int64
}

// position is of a batch.
type position struct {
	base int64 // names the file
	at   int64 // in bytes
}

// New is the store of a broker's data directory.
func New(dir string) *Store { return &Store{dir: dir, positions: make(map[place]position)} }

// Forget is called when files were written anew: what is known of them does not hold.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.positions)
	clear(s.timed)
}

// Range is what of a partition to read.
type Range struct {
	// From is an offset in the first batch. No batch that ends at End or later is read.
	From, End int64
	// Plain stops before a batch that belongs to a transaction.
	Plain bool
}

// Read fills buf with as many whole batches as fit, and returns them. What is read next
// is found best where this ended. An error is, or wraps, [ErrNone].
func (s *Store) Read(p Partition, r Range, buf []byte) ([]byte, error) {
	at, known := s.take(place{p, r.From})
	if !known {
		var err error
		if at, err = s.find(p, r.From); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNone, err)
		}
	}
	next, filled := r.From, 0
	for {
		size, end, more, err := s.readFile(p, r, at, next, buf[filled:])
		if err != nil && filled == 0 {
			return nil, fmt.Errorf("%w: %w", ErrNone, err)
		}
		filled, at.at = filled+size, at.at+int64(size)
		if size > 0 {
			next = end
		}
		if err != nil || !more {
			break
		}
		at = position{base: next} // a file begins where the one before it ends
	}
	if filled == 0 {
		return nil, ErrNone
	}
	s.put(place{p, next}, at)
	return buf[:filled], nil
}

// readFile reads batches from one file, from the one with this offset on. End is the
// offset after them, and more says that the file has no others.
func (s *Store) readFile(p Partition, r Range, at position, offset int64, buf []byte) (size int, end int64, more bool, err error) {
	file, err := os.Open(s.path(p, at.base))
	if err != nil {
		return 0, 0, false, err
	}
	defer func() { _ = file.Close() }()
	n, err := file.ReadAt(buf, at.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, false, err
	}
	atEnd := err != nil
	for end = offset; size < n; {
		b, ok := whole(buf[size:n])
		if !ok {
			return size, end, false, nil
		}
		last := b.last()
		if b.first() > last || last < end || size > 0 && b.first() < end || size == 0 && b.first() > offset {
			return 0, 0, false, errors.New("a batch is out of order")
		}
		if last >= r.End || r.Plain && b.marked() {
			return size, end, false, nil
		}
		size, end = size+len(b), last+1
	}
	return size, end, atEnd && end < r.End, nil
}

func (s *Store) folder(p Partition) string {
	return filepath.Join(s.dir, "partitions", fmt.Sprintf("%s-%d", url.PathEscape(p.Topic), p.Partition))
}

func (s *Store) path(p Partition, base int64) string {
	return filepath.Join(s.folder(p), strconv.FormatInt(base, 10)+extension)
}

// take gives a known position once: who reads on from there gets the next.
func (s *Store) take(p place) (position, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.positions[p]
	delete(s.positions, p)
	return at, ok
}

func (s *Store) put(p place, at position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.positions) >= maxPositions {
		clear(s.positions) // they are found again
	}
	s.positions[p] = at
}

// find looks for the batch that holds an offset.
func (s *Store) find(p Partition, offset int64) (position, error) {
	entries, err := os.ReadDir(s.folder(p))
	if err != nil {
		return position{}, err
	}
	at := position{base: -1}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		base, err := strconv.ParseInt(name, 10, 64)
		if ok && err == nil && base <= offset && base > at.base {
			at.base = base
		}
	}
	if at.base < 0 {
		return at, errors.New("no file holds the offset")
	}
	file, err := os.Open(s.path(p, at.base))
	if err != nil {
		return at, err
	}
	defer func() { _ = file.Close() }()
	buf := make([]byte, chunk)
	for {
		n, err := file.ReadAt(buf, at.at)
		if n < headSize {
			return at, errors.Join(errors.New("the file ends before the offset"), err)
		}
		for rest := buf[:n]; len(rest) >= headSize; {
			b := batch(rest)
			if !b.sane() {
				return at, errors.New("not a batch")
			}
			if b.last() >= offset {
				return at, nil
			}
			at.at += b.size()
			rest = rest[min(b.size(), int64(len(rest))):]
		}
	}
}

// batch begins with one.
type batch []byte

// whole is the batch at the start of p, if all of it is there.
func whole(p []byte) (batch, bool) {
	b := batch(p)
	if len(b) < headSize || !b.sane() || b.size() > int64(len(b)) {
		return nil, false
	}
	return b[:b.size()], true
}

func (b batch) sane() bool { return b[atMagic] == 2 && b.size() >= headSize }
func (b batch) size() int64 {
	return atLength + 4 + int64(int32(binary.BigEndian.Uint32(b[atLength:])))
}
func (b batch) first() int64 { return int64(binary.BigEndian.Uint64(b)) }
func (b batch) last() int64 {
	return b.first() + int64(int32(binary.BigEndian.Uint32(b[atLastDelta:])))
}
func (b batch) epoch() int32 { return int32(binary.BigEndian.Uint32(b[atEpoch:])) }
func (b batch) marked() bool {
	return binary.BigEndian.Uint16(b[atAttributes:])&(ofTransaction|control) != 0
}
