package retention

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// headerBytes are those of a record batch that are read here: up to its
// maxTimestamp (KIP-98, format v2).
const headerBytes = 43

// minBatch is the least that a batch takes behind its first twelve bytes.
const minBatch = 49

// Partition names one partition of a topic.
type Partition struct {
	Topic string
	ID    int32
}

// String is how Kafka names its folder.
func (p Partition) String() string { return p.Topic + "-" + strconv.Itoa(int(p.ID)) }

// folder is where kfake keeps the partition below its directory.
func (p Partition) folder(dir string) string {
	return filepath.Join(dir, "partitions", fmt.Sprintf("%s-%d", url.PathEscape(p.Topic), p.ID))
}

// parseFolder is the partition of a folder's name.
func parseFolder(name string) (Partition, bool) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return Partition{}, false
	}
	id, err := strconv.ParseInt(name[at+1:], 10, 32)
	topic, bad := url.PathUnescape(name[:at])
	return Partition{topic, int32(id)}, err == nil && bad == nil
}

// segment is one file of records.
type segment struct {
	base     int64 // offset of its first record
	size     int64 // bytes
	modified time.Time

	// What its batches' headers say, as far as they were read.
	read   int64 // bytes
	newest int64 // greatest timestamp, in ms; -1 where no record has one
	end    int64 // offset behind the last record
}

// segments are a partition's, the oldest first.
type segments []segment

// refresh lists the files of a folder anew. Of those that are known, only the
// last may have changed.
func (s segments) refresh(folder string) (segments, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var next segments
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		next = append(next, segment{base: base, newest: -1, end: base})
	}
	slices.SortFunc(next, func(a, b segment) int { return int(min(max(a.base-b.base, -1), 1)) })
	for i := range next {
		at, known := slices.BinarySearchFunc(s, next[i].base, func(old segment, base int64) int {
			return int(min(max(old.base-base, -1), 1))
		})
		if known {
			next[i] = s[at]
			if at < len(s)-1 {
				continue
			}
		}
		info, err := os.Stat(filepath.Join(folder, next[i].file()))
		if err != nil {
			return nil, fmt.Errorf("size of segment: %w", err)
		}
		if info.Size() < next[i].read { // another file under the old name
			next[i] = segment{base: next[i].base, newest: -1, end: next[i].base}
		}
		next[i].size, next[i].modified = info.Size(), info.ModTime()
	}
	return next, nil
}

func (s *segment) file() string { return strconv.FormatInt(s.base, 10) + ".dat" }

// size is that of all.
func (s segments) bytes() (total int64) {
	for i := range s {
		total += s[i].size
	}
	return total
}

// scan reads the headers of the batches that were not read yet.
func (s *segment) scan(folder string) error {
	if s.read >= s.size {
		return nil
	}
	file, err := os.Open(filepath.Join(folder, s.file()))
	if err != nil {
		return fmt.Errorf("read segment: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	r := bufio.NewReaderSize(io.NewSectionReader(file, s.read, s.size-s.read), 64<<10)
	for {
		head, err := r.Peek(headerBytes)
		if err != nil {
			return nil // the rest is not written yet, or is torn
		}
		length := int64(int32(binary.BigEndian.Uint32(head[8:])))
		if length < minBatch || s.read+12+length > s.size {
			return nil
		}
		s.newest = max(s.newest, int64(binary.BigEndian.Uint64(head[35:])))
		s.end = int64(binary.BigEndian.Uint64(head)) + int64(int32(binary.BigEndian.Uint32(head[23:]))) + 1
		if _, err := r.Discard(int(12 + length)); err != nil {
			return fmt.Errorf("read segment: %w", err)
		}
		s.read += 12 + length
	}
}

// age is the time since the newest record, by its timestamp, or, where none of
// the records has one, since the file was written: Kafka's largestTimestamp.
func (s *segment) age(now time.Time) time.Duration {
	if s.newest < 0 {
		return now.Sub(s.modified)
	}
	return now.Sub(time.UnixMilli(s.newest))
}

// never is a time that does not come.
var never = time.Unix(math.MaxInt32, 0)

// plan returns what of a partition is to go now: the records before the offset
// upTo, the segments before keep. next is when age takes the next of them.
//
// It is UnifiedLog.deleteOldSegments of Kafka 4.x: from the oldest segment on,
// as long as its newest record is too old, or what is left without it still
// takes the limit's bytes. Size never takes the newest segment; age does only
// where the topic itself sets one.
func (s segments) plan(folder string, set Settings, now time.Time) (upTo int64, keep int, next time.Time, err error) {
	next = never
	if len(s) == 0 || !set.Delete {
		return 0, 0, next, nil
	}
	left := s.bytes()
	for keep < len(s) {
		last := keep == len(s)-1
		at := &s[keep]
		if !last && set.Bytes >= 0 && left-at.size >= set.Bytes {
			left -= at.size
			keep++
			continue
		}
		if set.Age < 0 || last && !set.OwnAge {
			break
		}
		if err := at.scan(folder); err != nil {
			return 0, 0, next, err
		}
		if age := at.age(now); age <= set.Age {
			if wait := set.Age - age; wait < never.Sub(now) {
				next = now.Add(wait + time.Millisecond)
			}
			break
		}
		left -= at.size
		keep++
	}
	switch keep {
	case 0:
	case len(s):
		upTo = s[len(s)-1].end
	default:
		upTo = s[keep].base
	}
	return upTo, keep, next, nil
}
