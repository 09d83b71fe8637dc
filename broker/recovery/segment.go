package recovery

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readAhead is how much of a segment is read at a time.
const readAhead = 1 << 20

// segmentReader reads pieces of a file, one after the other, through a buffer.
type segmentReader struct {
	file   *os.File
	size   int64
	buffer []byte
	from   int64 // where the buffer starts in the file
}

// at gives n bytes at a position, or fewer at the end of the file. They are
// valid until the next call.
func (r *segmentReader) at(position, n int64) ([]byte, error) {
	n = min(n, r.size-position)
	if n <= 0 {
		return nil, nil
	}
	if position < r.from || position+n > r.from+int64(len(r.buffer)) {
		want := min(max(n, readAhead), r.size-position)
		if int64(cap(r.buffer)) < want {
			r.buffer = make([]byte, want)
		}
		r.buffer, r.from = r.buffer[:want], position
		if _, err := r.file.ReadAt(r.buffer, position); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", r.file.Name(), err)
		}
	}
	return r.buffer[position-r.from:][:n], nil
}

// batch reads the whole batch at a position, of an offset of at least least.
func (r *segmentReader) batch(position, least int64) (batch, []byte, bool, error) {
	p, err := r.at(position, batchHeader)
	if err != nil {
		return batch{}, nil, false, err
	}
	b, ok := parseBatch(p)
	if !ok || b.base < least || position+b.size > r.size {
		return batch{}, nil, false, nil
	}
	if b.base > least {
		// The checksum does not cover the offset: one that is too high hides
		// what follows.
		next, err := r.at(position+b.size, batchHeader)
		if err != nil {
			return batch{}, nil, false, err
		}
		if n, ok := parseBatch(next); ok && n.base >= least && n.base < b.end() {
			return batch{}, nil, false, nil
		}
	}
	if p, err = r.at(position, b.size); err != nil {
		return batch{}, nil, false, err
	}
	return b, p, checkBatch(p), nil
}

// next looks for a whole batch from a position on.
func (r *segmentReader) next(position, least int64) (int64, bool, error) {
	for ; position+batchHeader <= r.size; position++ {
		p, err := r.at(position, batchHeader)
		if err != nil {
			return 0, false, err
		}
		if p[16] != 2 { // the version of the format: cheap to check
			continue
		}
		if _, _, ok, err := r.batch(position, least); ok || err != nil {
			return position, ok, err
		}
	}
	return 0, false, nil
}

// hole is a range of a segment that is no batch.
type hole struct {
	from, to    int64 // positions
	first, next int64 // the offsets that it may have held
}

// segment is one file of a partition.
type segment struct {
	base    int64
	size    int64
	changed int64 // when the file was, in ns
	index   []byte
	read    bool // the index is known, not only the file's size
	holes   []hole
	tail    int64 // bytes behind the last batch
	epochs  [2]int32
	end     int64 // the offset after its last batch
}

// scan reads the batches of a segment from a position on, and gives each to
// take. Nothing is changed.
func (s *segment) scan(dir string, from, least int64, buffer []byte, take func(*batch, []byte)) ([]byte, error) {
	f, err := os.Open(s.path(dir))
	if err != nil {
		return buffer, fileError(s.path(dir), err)
	}
	defer func() { _ = f.Close() }() // it was only read
	s.read, s.end = true, least
	r := &segmentReader{file: f, size: s.size, buffer: buffer[:0]}
	for position := from; position < s.size; {
		b, p, ok, err := r.batch(position, least)
		if err != nil {
			return r.buffer, fileError(s.path(dir), err)
		}
		if ok {
			if n := len(s.holes); n > 0 && s.holes[n-1].to == position {
				s.holes[n-1].next = b.base
			}
			take(&b, p)
			least, s.end = b.end(), b.end()
			position += b.size
			continue
		}
		next, ok, err := r.next(position+1, least)
		if err != nil {
			return r.buffer, fileError(s.path(dir), err)
		}
		if !ok {
			s.tail = s.size - position
			break
		}
		s.holes = append(s.holes, hole{from: position, to: next, first: least})
		position = next
	}
	return r.buffer, nil
}

// note takes a batch into the segment's index.
func (s *segment) note(b *batch, maxTime int64) {
	if len(s.index) == 0 {
		s.epochs = [2]int32{b.leaderEpoch, b.leaderEpoch}
	}
	s.epochs[0], s.epochs[1] = min(s.epochs[0], b.leaderEpoch), max(s.epochs[1], b.leaderEpoch)
	s.index = appendIndex(s.index, b, maxTime)
}

func (s *segment) path(dir string) string { return filepath.Join(dir, fmt.Sprintf("%d.dat", s.base)) }
func (s *segment) indexPath(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%d.idx", s.base))
}

// cut takes what is no batch out of the file, which is then replaced at once.
func (s *segment) cut(dir string) error {
	data, err := os.ReadFile(s.path(dir))
	if err != nil {
		return fileError(s.path(dir), err)
	}
	var kept []byte
	at := int64(0)
	for _, h := range append(s.holes, hole{from: s.size - s.tail, to: s.size}) {
		kept = append(kept, data[at:h.from]...)
		at = h.to
	}
	if err := writeFile(s.path(dir), kept); err != nil {
		return err
	}
	s.size, s.holes, s.tail = int64(len(kept)), nil, 0
	return nil
}

// segments lists those in a directory, by base offset. What has the name of one
// and is no file is returned too.
func segments(dir string) (list []*segment, wrong []string, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fileError(dir, err)
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".dat")
		if !ok {
			continue
		}
		base, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, nil, fileError(filepath.Join(dir, f.Name()), err)
		}
		if !info.Mode().IsRegular() || strconv.FormatInt(base, 10) != name || base < 0 {
			wrong = append(wrong, filepath.Join(dir, f.Name()))
			continue
		}
		list = append(list, &segment{base: base, size: info.Size(), changed: info.ModTime().UnixNano()})
	}
	slices.SortFunc(list, func(a, b *segment) int { return int(min(max(a.base-b.base, -1), 1)) })
	return list, wrong, nil
}

// putBack gives segments their names again where a recovery was killed that had
// moved them away, see watch.
func putBack(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil // segments says
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), awaySuffix); ok {
			if err := os.Rename(filepath.Join(dir, f.Name()), filepath.Join(dir, name)); err != nil {
				return fileError(filepath.Join(dir, f.Name()), err)
			}
		}
	}
	return nil
}
