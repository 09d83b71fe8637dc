package recovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// repair makes the files hold batches only, from the start on, and up to the
// end. What is taken out as damaged is kept beside them.
func (p *partition) repair() error {
	if p.isEmpty() {
		return nil
	}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fileError(p.dir, err)
	}
	for _, s := range p.segments {
		if len(s.holes) == 0 && s.tail == 0 {
			continue
		}
		kept, err := p.keepDamaged(s)
		if err == nil {
			err = s.cut(p.dir)
		}
		if err != nil {
			return err
		}
		for i := range p.damage {
			if p.damage[i].Path == s.path(p.dir) && p.damage[i].Kept == "" {
				p.damage[i].Kept = kept
			}
		}
	}
	if err := p.trim(); err != nil {
		return err
	}
	if reached := p.segments.reached(); reached < p.end && p.start < p.end {
		return p.fill()
	}
	return nil
}

// keepDamaged keeps a copy of a segment, unless all that is wrong with it is an
// interrupted write.
func (p *partition) keepDamaged(s *segment) (string, error) {
	for _, d := range p.damage {
		if d.Path == s.path(p.dir) {
			return copyAside(d.Path)
		}
	}
	return "", nil
}

// reached is the offset after the last batch in the segments.
func (l segmentList) reached() int64 {
	reached := int64(0)
	for _, s := range l {
		reached = max(reached, s.end)
	}
	return reached
}

// trim removes segments that lie below the start, as kfake does when records are
// deleted, and those that hold nothing. kfake (v0.0.0-20260918) reads a
// partition's offsets only where there is a segment, so that an empty one stays
// for a partition without records.
func (p *partition) trim() error {
	kept := p.segments[:0]
	for _, s := range p.segments {
		if s.size > 0 && s.end > p.start {
			kept = append(kept, s)
			continue
		}
		if s.size == 0 && s.base == p.end && len(p.segments) == 1 {
			kept = append(kept, s)
			continue
		}
		for _, path := range []string{s.path(p.dir), s.indexPath(p.dir)} {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fileError(path, err)
			}
		}
	}
	p.segments = kept
	if len(p.segments) > 0 {
		return nil
	}
	base := p.end
	if p.start < p.end {
		base-- // see fill
	}
	s := &segment{base: base, end: base, read: true}
	p.segments = append(p.segments, s)
	return writeFile(s.path(p.dir), nil)
}

// fill puts a marker of no transaction at the last offset before the end, so
// that offsets whose records are lost are not given out again.
func (p *partition) fill() error {
	return p.append(markerBatch(p.end-1, p.epoch, noProducer, 0, false, time.Now().UnixMilli()))
}

// noProducer is a producer id that kfake gives to none: it takes them at random
// from all of them.
const noProducer = 1<<63 - 1

// addMarker ends a producer's transaction.
func (p *partition) addMarker(producer int64, epoch int16, commit bool, now int64) error {
	at := p.end
	if err := p.append(markerBatch(at, p.epoch, producer, epoch, commit, now)); err != nil {
		return err
	}
	p.end = at + 1
	p.endTxn(producer, at, !commit)
	p.markers++
	return nil
}

// append adds a batch to the last segment.
func (p *partition) append(raw []byte) error {
	s := p.segments[len(p.segments)-1]
	f, err := os.OpenFile(s.path(p.dir), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fileError(s.path(p.dir), err)
	}
	_, err = f.WriteAt(raw, s.size)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fileError(s.path(p.dir), err)
	}
	b, _ := parseBatch(raw)
	p.maxTime = max(p.maxTime, b.maxTime)
	s.note(&b, p.maxTime)
	s.size += b.size
	s.end = b.end()
	return nil
}

// finish writes the indexes and the snapshot, where they are not so yet.
func (p *partition) finish() error {
	if p.isEmpty() {
		return nil
	}
	snapshot := snapshotFile{
		Version: formatVersion, HighWatermark: p.end, LastStableOffset: p.end, LogStartOffset: p.start, Epoch: p.epoch,
		MaxTimestamp: p.maxTime, CreatedAt: p.created, LeaderNode: p.before.LeaderNode,
	}
	for _, a := range p.aborted {
		if a.Last >= p.start {
			snapshot.AbortedTxns = append(snapshot.AbortedTxns, a)
		}
	}
	for _, s := range p.segments {
		if err := p.writeIndex(s); err != nil {
			return err
		}
		snapshot.Segments = append(snapshot.Segments, segmentInfo{Base: s.base, Size: s.size, MinEpoch: s.epochs[0], MaxEpoch: s.epochs[1]})
	}
	if p.known && fmt.Sprint(snapshot.without()) == fmt.Sprint(p.before.without()) {
		return nil
	}
	data, err := json.Marshal(snapshot)
	if err != nil {
		return err
	}
	return writeDerived(filepath.Join(p.dir, "snapshot.json"), data)
}

// without is a snapshot but for what is not derived from the batches.
func (s snapshotFile) without() snapshotFile {
	s.CreatedAt, s.MaxTimestamp = time.Time{}, 0
	return s
}

// writeIndex writes the index of a segment where it is not what the batches say.
// An entry that is missing has kfake take a transactional batch for a plain one.
func (p *partition) writeIndex(s *segment) error {
	if !s.read {
		return nil
	}
	path := s.indexPath(p.dir)
	got, err := content(path)
	if errors.Is(err, errNotFile) {
		if err := p.aside(path, err.Error()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if bytes.Equal(got, s.index) {
		return nil
	}
	return writeDerived(path, s.index)
}
