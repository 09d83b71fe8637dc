package recovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// partitionList is the partitions of a broker.
type partitionList []*partition

// each calls work for all partitions, some at a time. The buffer goes from one
// call to the next.
func (l partitionList) each(work func(*partition, []byte) ([]byte, error)) error {
	var wait sync.WaitGroup
	queue := make(chan *partition)
	errs := make([]error, runtime.GOMAXPROCS(0))
	for i := range errs {
		wait.Go(func() {
			var buffer []byte
			for p := range queue {
				var err error
				if buffer, err = work(p, buffer); err != nil {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	for _, p := range l {
		queue <- p
	}
	close(queue)
	wait.Wait()
	return errors.Join(errs...)
}

// readPartitions reads all partitions, and makes their files hold batches only.
func (r *recoverer) readPartitions() error {
	for _, topic := range r.topics {
		for n := range topic.Partitions {
			r.partitions = append(r.partitions, newPartition(r.root, topic, int32(n)))
		}
	}
	small := r.known.isSmall(r.limit)
	err := r.partitions.each(func(p *partition, buffer []byte) ([]byte, error) {
		n := r.noted.starts[partitionKey{p.topic.ID, p.number}]
		return p.read(r.known.partition(p), small || r.suspects[p.String()], offsets{n.Start, n.End}, buffer)
	})
	if err != nil {
		return err
	}
	if r.known == nil { // a checkpoint knows more
		if err := r.partitions.addWindows(&r.directory); err != nil {
			return err
		}
	}
	return r.partitions.each(func(p *partition, buffer []byte) ([]byte, error) { return buffer, p.repair() })
}

// addWindows takes the sequences of the last clean stop for producers whose
// batches are gone since.
func (l partitionList) addWindows(d *directory) error {
	var file windowsFile
	data, err := content(d.path("seq_windows.json"))
	if err != nil || data == nil || json.Unmarshal(data, &file) != nil {
		return err
	}
	type key struct {
		topic  string
		number int32
	}
	all := make(map[key]*partition)
	for _, p := range l {
		all[key{p.topic.Name, p.number}] = p
	}
	for _, w := range file.Windows {
		p := all[key{w.Topic, w.Partition}]
		if p == nil || w.last() >= p.end || w.Count > windowSize {
			continue // of a topic that was there before
		}
		if _, ok := p.windows[w.Producer]; !ok {
			p.windows[w.Producer] = w.window
		}
	}
	return nil
}

// addTo adds what was found in the partitions to a report.
func (l partitionList) addTo(report *Report) {
	for _, p := range l {
		report.Markers += p.markers
		report.Torn += p.torn
		report.Damage = append(report.Damage, p.damage...)
		if !p.isEmpty() {
			report.Partitions++
		}
	}
	slices.SortStableFunc(report.Damage, func(a, b Damage) int { return strings.Compare(a.Topic, b.Topic) })
}

// readLogs reads kfake's append logs.
func (r *recoverer) readLogs() error {
	log, damaged, err := r.readLog("pids.log")
	if err != nil {
		return err
	}
	r.pidsSize, r.changed.producers = int64(len(log)), damaged
	all, _, _ := entries(log)
	r.producers = readProducers(all)
	for _, p := range r.partitions {
		for id, w := range p.windows {
			r.producers.see(id, w.Epoch)
		}
		for id, m := range p.ended {
			r.producers.seeEnd(id, m)
		}
	}
	if r.groups, r.changed.groups, err = r.readLog("groups.log"); err != nil {
		return err
	}
	if kept := dropGroups(r.groups); len(kept) < len(r.groups) {
		r.groups, r.changed.groups = kept, true
	}
	return nil
}

// endTransactions ends all that were open.
func (r *recoverer) endTransactions() error {
	open := make(map[int64]int16)
	for _, p := range r.partitions {
		for id, t := range p.open {
			open[id] = max(open[id], t.Epoch)
		}
	}
	ends := decide(open, r.noted, r.producers, r.pidsSize)
	now := time.Now().UnixMilli()
	err := r.partitions.each(func(p *partition, buffer []byte) ([]byte, error) {
		for _, id := range slices.Sorted(maps.Keys(p.open)) {
			if err := p.addMarker(id, ends[id].marker, ends[id].commit, now); err != nil {
				return buffer, err
			}
		}
		return buffer, nil
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(ends)) {
		if err := r.endTxn(id, ends[id], now); err != nil {
			return err
		}
	}
	r.partitions.addTo(r.report)
	return nil
}

// endTxn notes the end of one producer's transaction, whose markers are written.
func (r *recoverer) endTxn(id int64, o outcome, now int64) (err error) {
	r.producers.see(id, o.next)
	r.producers[id].commit = o.commit
	if o.commit {
		r.report.Committed++
	} else {
		r.report.Aborted++
	}
	for _, n := range o.offsets {
		r.changed.groups = true
		r.groups, err = appendEntry(r.groups, commitEntry{
			Type: "commit", Group: n.Group, Topic: n.Topic, Partition: n.Part, Offset: n.Offset, Epoch: n.Leader, Metadata: n.Metadata, At: &now,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLogs writes kfake's logs and its windows: the commits first, since the log
// of producers says that a transaction has ended.
func (r *recoverer) writeLogs() error {
	if r.changed.groups {
		if err := writeFile(r.path("groups.log"), r.groups); err != nil {
			return err
		}
	}
	file := windowsFile{Version: formatVersion}
	for _, p := range r.partitions {
		for _, id := range slices.Sorted(maps.Keys(p.windows)) {
			file.Windows = append(file.Windows, windowEntry{Producer: id, Topic: p.topic.Name, Partition: p.number, window: p.windows[id]})
		}
	}
	r.report.Producers = len(r.producers)
	if err := writeJSON(r.path("seq_windows.json"), file); err != nil {
		return err
	}
	log, err := r.producers.encode()
	if err != nil {
		return err
	}
	old, err := content(r.path("pids.log"))
	if err == nil && !bytes.Equal(old, log) {
		err = writeFile(r.path("pids.log"), log)
	}
	return err
}

// writeCheckpoint has the next recovery read only what is written from now on.
func (r *recoverer) writeCheckpoint() error {
	r.known = &checkpoint{Version: formatVersion, Topics: r.topics, Partitions: make(map[string]*checkpointPartition)}
	for _, p := range r.partitions {
		if !p.isEmpty() {
			r.known.Partitions[p.String()] = p.checkpoint()
		}
	}
	return writeJSON(r.path(checkpointName), r.known)
}
