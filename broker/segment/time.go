package segment

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	records "axion/broker/batch"
)

// maxTimed bounds the partitions whose files' times are known.
const maxTimed = 4096

// Greatest asks [Store.FindTime] for the record of the greatest time.
const Greatest = math.MinInt64

// Found is a record that was found by its time.
type Found struct {
	Offset, Timestamp int64 // in ms
	Epoch             int32 // of the leader who wrote it
}

// file is what is known of one.
type file struct {
	base   int64
	size   int64 // how much of it was looked at
	newest int64 // the latest time in that; -1 for none
}

// FindTime finds the first record of a time or later as Kafka does: in the first file
// that has such a time, and not before start, the partition's oldest offset. That file
// is looked through, from batch to batch; those before it only once. It is for partitions
// whose files are only added to and removed.
func (s *Store) FindTime(p Partition, at, start int64) (Found, bool, error) {
	files, err := s.times(p)
	if err != nil {
		return Found{}, false, err
	}
	in := -1
	for i := range files {
		if at == Greatest && (in < 0 || files[i].newest > files[in].newest) || at != Greatest && in < 0 &&
			files[i].latest(s.path(p, files[i].base)) >= at {
			in = i
		}
	}
	if in < 0 || files[in].size == 0 {
		return Found{}, false, nil
	}
	if at == Greatest {
		at, start = files[in].newest, 0
	}
	return s.seek(s.path(p, files[in].base), files[in].size, at, start)
}

// latest is a file's latest time; where its records have none, when it was written.
func (f file) latest(path string) int64 {
	if f.newest >= 0 {
		return f.newest
	}
	info, err := os.Stat(path)
	if err != nil {
		return f.newest
	}
	return info.ModTime().UnixMilli()
}

// times are a partition's files, the oldest first.
func (s *Store) times(p Partition) ([]file, error) {
	entries, err := os.ReadDir(s.folder(p))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a time: %w", err)
	}
	s.mu.Lock()
	known := s.timed[p]
	s.mu.Unlock()
	var files []file
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		f := file{base: base, newest: -1}
		if i := slices.IndexFunc(known, func(k file) bool { return k.base == base }); i >= 0 {
			f = known[i]
		}
		if err := f.look(s.path(p, base)); err != nil {
			s.Forget() // the file may be another under the old name
			return nil, fmt.Errorf("look for a time: %w", err)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int { return int(min(max(a.base-b.base, -1), 1)) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timed == nil || len(s.timed) >= maxTimed {
		s.timed = make(map[Partition][]file)
	}
	s.timed[p] = files
	return files, nil
}

// look looks at what of a file is new.
func (f *file) look(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it was removed
	}
	if err != nil || info.Size() == f.size {
		return err
	}
	if info.Size() < f.size {
		*f = file{base: f.base, newest: -1}
	}
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	return each(opened, f.size, info.Size(), func(head batch, _ int64) (bool, error) {
		f.newest = max(f.newest, records.MaxTimestamp(head))
		f.size += head.size()
		return true, nil
	})
}

// each gives the heads of a file's batches, and where they are, while fn says so. It ends
// before one that is not whole yet.
func each(f *os.File, at, end int64, fn func(head batch, at int64) (more bool, err error)) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, at, end-at), 64<<10)
	for end-at >= headSize {
		head, err := r.Peek(headSize)
		if err != nil {
			return err
		}
		b := batch(head)
		size := b.size()
		if !b.sane() {
			return errors.New("not a batch")
		}
		if at+size > end {
			return nil
		}
		if more, err := fn(b, at); err != nil || !more {
			return err
		}
		if _, err := r.Discard(int(size)); err != nil {
			return err
		}
		at += size
	}
	return nil
}

// seek finds a record in one file, of which size bytes count.
func (s *Store) seek(path string, size, at, start int64) (found Found, ok bool, err error) {
	opened, err := os.Open(path)
	if err != nil {
		return Found{}, false, fmt.Errorf("look for a time: %w", err)
	}
	defer func() { _ = opened.Close() }()
	err = each(opened, 0, size, func(head batch, from int64) (bool, error) {
		if head.last() < start || records.MaxTimestamp(head) < at {
			return true, nil
		}
		found.Epoch = head.epoch()
		found.Offset, found.Timestamp, ok, err = s.seekBatch(io.NewSectionReader(opened, from, head.size()), at, start)
		return !ok, err
	})
	if err != nil {
		return Found{}, false, fmt.Errorf("look for a time: %w", err)
	}
	return found, ok, nil
}

// largeBatch is the size from which on one batch at a time is in memory, in bytes.
const largeBatch = 4 << 20

func (s *Store) seekBatch(from *io.SectionReader, at, start int64) (offset, timestamp int64, ok bool, err error) {
	if from.Size() > largeBatch {
		s.large.Lock()
		defer s.large.Unlock()
	}
	stored := make([]byte, from.Size())
	if _, err := io.ReadFull(from, stored); err != nil {
		return 0, 0, false, err
	}
	return records.Seek(stored, at, start)
}
