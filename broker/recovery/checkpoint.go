package recovery

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
)

const (
	// checkpointName is the file that says how far all files are known to be
	// good, and what they hold up to there.
	checkpointName = "checkpoint.json"
	// runningName is a file that is there from the start of a broker to its
	// clean stop.
	runningName = "running"
)

// checkpoint is what a recovery, or a clean stop, knows of the directory.
type checkpoint struct {
	Version    int                             `json:"version"`
	Topics     []topicInfo                     `json:"topics"`
	Partitions map[string]*checkpointPartition `json:"partitions"` // by [partition.String]
}

// checkpointPartition is the state of a partition at a position in its files.
type checkpointPartition struct {
	Topic    string              `json:"topic"` // its id
	Start    int64               `json:"start"`
	End      int64               `json:"end"`
	MaxTime  int64               `json:"maxTime"` // ms
	Epoch    int32               `json:"epoch"`
	Segments []checkpointSegment `json:"segments"`
	Aborted  []abortedTxn        `json:"aborted,omitempty"`
	Open     map[int64]openTxn   `json:"open,omitempty"`
	Windows  map[int64]window    `json:"windows,omitempty"`
}

type checkpointSegment struct {
	Base    int64    `json:"base"`
	Size    int64    `json:"size"`
	Changed int64    `json:"changed"` // ns
	Batches int64    `json:"batches"`
	Epochs  [2]int32 `json:"epochs"`
}

// isOf reports whether a file is as it was.
func (k checkpointSegment) isOf(s *segment) bool { return s.size == k.Size && s.changed == k.Changed }

func (c *checkpointPartition) last() checkpointSegment {
	if len(c.Segments) == 0 {
		return checkpointSegment{Base: -1}
	}
	return c.Segments[len(c.Segments)-1]
}

// match compares the files with the checkpoint. Those before its last segment
// must be as they were, or gone from the front: retention takes them. The last
// may have grown. It returns the segment from which on there is something to
// read, and prepares the ones before.
func (c *checkpointPartition) match(dir string, list []*segment) (int, bool) {
	last := c.last()
	skip := 0
	if len(c.Segments) == 0 && len(list) > 0 {
		return 0, false
	}
	for i, s := range list {
		if s.base > last.Base {
			break
		}
		at := slices.IndexFunc(c.Segments, func(k checkpointSegment) bool { return k.Base == s.base })
		if at < 0 || at != len(c.Segments)-1 && (i > 0 && list[i-1].base != c.Segments[at-1].Base) {
			return 0, false
		}
		k := c.Segments[at]
		grown := s.base == last.Base && s.size > k.Size
		if !grown && !k.isOf(s) {
			return 0, false
		}
		index, err := indexPrefix(s.indexPath(dir), k.Batches, grown)
		if err != nil {
			return 0, false
		}
		s.epochs, s.end = k.Epochs, c.End
		if at < len(c.Segments)-1 {
			s.end = c.Segments[at+1].Base
		}
		if grown {
			s.index = index
			return i, startsBatch(s.path(dir), k.Size, c.End)
		}
		skip = i + 1
	}
	return skip, true
}

// isUnchanged reports whether the files of a partition are those of the
// checkpoint, and kfake will read what it says.
func (c *checkpointPartition) isUnchanged(p *partition) bool {
	list, wrong, err := segments(p.dir)
	if err != nil || len(wrong) > 0 || p.readSnapshot() != nil || len(p.damage) > 0 {
		return false
	}
	if c == nil {
		return len(list) == 0 && p.before.HighWatermark == 0
	}
	skip, ok := c.match(p.dir, list)
	same := ok && skip == len(list) && len(list) == len(c.Segments) && len(list) == len(p.before.Segments)
	return same && p.before.HighWatermark == c.End && p.before.LogStartOffset == c.Start && len(p.before.AbortedTxns) == len(c.Aborted)
}

// indexPrefix reads the entries of so many batches, where they are wanted, or
// looks whether there are so many.
func indexPrefix(path string, batches int64, wanted bool) ([]byte, error) {
	size := batches * indexEntry
	if !wanted {
		info, err := os.Stat(path)
		if size == 0 && errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if info.Size() != size {
			return nil, errors.New("index of another length")
		}
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err == nil && int64(len(data)) < size {
		err = errors.New("index too short")
	}
	if err != nil {
		return nil, err
	}
	return data[:size:size], nil
}

// startsBatch reports whether a batch of an offset from least on, or an
// interrupted write of one, is at a position of a file.
func startsBatch(path string, position, least int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return false
	}
	r := &segmentReader{file: f, size: info.Size()}
	if info.Size()-position < batchHeader {
		return true
	}
	b, _, ok, err := r.batch(position, least)
	return err == nil && ok && b.base == least
}

// checkpoint is what is known of a partition after its recovery.
func (p *partition) checkpoint() *checkpointPartition {
	c := &checkpointPartition{
		Topic: p.topic.ID, Start: p.start, End: p.end, MaxTime: p.maxTime, Epoch: p.epoch,
		Aborted: p.aborted, Open: p.open, Windows: p.windows,
	}
	for _, s := range p.segments {
		k := checkpointSegment{Base: s.base, Size: s.size, Epochs: s.epochs, Batches: int64(len(s.index)) / indexEntry}
		if info, err := os.Stat(s.path(p.dir)); err == nil {
			k.Changed = info.ModTime().UnixNano()
		}
		if info, err := os.Stat(s.indexPath(p.dir)); err == nil {
			k.Batches = info.Size() / indexEntry
		}
		c.Segments = append(c.Segments, k)
	}
	return c
}

// readCheckpoint reads the checkpoint of a directory. One that is missing or
// damaged is nil: then everything is read.
func readCheckpoint(root string) (*checkpoint, error) {
	path := filepath.Join(root, checkpointName)
	data, err := content(path)
	if errors.Is(err, errNotFile) {
		_, err = setAside(path)
		return nil, err
	}
	if err != nil || data == nil {
		return nil, err
	}
	var c checkpoint
	if json.Unmarshal(data, &c) != nil {
		return nil, nil
	}
	if c.Version > formatVersion {
		return nil, newerError(path, c.Version)
	}
	return &c, nil
}

func (c *checkpoint) partition(p *partition) *checkpointPartition {
	if c == nil {
		return nil
	}
	k := c.Partitions[p.String()]
	if k == nil || k.Topic != p.topic.ID {
		return nil // a topic of this name that was there before
	}
	return k
}

// isSmall reports whether all that the checkpoint knows is at most limit bytes, which can be
// read again at once.
func (c *checkpoint) isSmall(limit int64) bool {
	if c == nil {
		return false
	}
	total := int64(0)
	for _, k := range c.Partitions {
		for _, s := range k.Segments {
			total += s.Size
		}
	}
	return total <= limit
}
