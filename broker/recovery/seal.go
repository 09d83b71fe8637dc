package recovery

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// seal notes that the broker in the directory root has stopped cleanly. Where it
// fails, the next start reads all that was written since the last.
func seal(root string) error {
	d := directory{root: root}
	var topics topicsFile
	if err := readKnown(d.path("topics.json"), &topics); err != nil {
		return err
	}
	c := &checkpoint{Version: formatVersion, Topics: topics.Topics, Partitions: make(map[string]*checkpointPartition)}
	for _, topic := range topics.Topics {
		for n := range topic.Partitions {
			p := newPartition(root, topic, int32(n))
			if err := p.seal(); err != nil {
				return err
			}
			if !p.isEmpty() {
				c.Partitions[p.String()] = p.checkpoint()
			}
		}
	}
	if err := c.addSessions(root); err != nil {
		return err
	}
	if err := writeJSON(d.path(checkpointName), c); err != nil {
		return err
	}
	syncDir(root)
	if err := os.Remove(d.path(runningName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fileError(d.path(runningName), err)
	}
	return nil
}

// seal learns of a partition from what kfake wrote of it at its stop, and has an
// emptied one keep its offsets, see trim.
func (p *partition) seal() error {
	if err := p.readSnapshot(); err != nil || !p.known {
		return err
	}
	p.start, p.end, p.epoch, p.maxTime = p.before.LogStartOffset, p.before.HighWatermark, p.before.Epoch, p.before.MaxTimestamp
	p.aborted, p.created = p.before.AbortedTxns, p.before.CreatedAt
	list, _, err := segments(p.dir)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.end = s.base; s.size > 0 {
			s.end = max(p.end, s.base+1) // none of them lies below the start
		}
		for _, known := range p.before.Segments {
			if known.Base == s.base {
				s.epochs = [2]int32{known.MinEpoch, known.MaxEpoch}
			}
		}
	}
	if p.segments = list; len(p.before.Segments) > 0 || p.end == 0 {
		return nil
	}
	if err := p.trim(); err != nil {
		return err
	}
	return p.finish()
}

// addSessions adds what is known of producers: their sequences, and where the
// transactions began that go on after the stop.
func (c *checkpoint) addSessions(root string) error {
	var file windowsFile
	if err := readKnown(filepath.Join(root, "seq_windows.json"), &file); err != nil {
		return err
	}
	for _, w := range file.Windows {
		p := c.Partitions[(&partition{topic: topicInfo{Name: w.Topic}, number: w.Partition}).String()]
		if p == nil {
			continue
		}
		p.Windows[w.Producer] = w.window
	}
	var session sessionFile
	if err := readKnown(filepath.Join(root, sessionName), &session); err != nil {
		return err
	}
	for _, t := range session.Transactions {
		for topic, firsts := range t.First {
			for number, first := range firsts {
				p := c.Partitions[(&partition{topic: topicInfo{Name: topic}, number: number}).String()]
				if p != nil && first >= 0 {
					p.Open[t.Producer] = openTxn{First: first, Epoch: p.Windows[t.Producer].Epoch}
				}
			}
		}
	}
	return nil
}

// openTransactions are those that go on after a clean stop, for the journal:
// kfake removes the file that holds them when it reads it.
//
// kfake (v0.0.0-20260918) aborts those whose time is over without raising the
// epoch, as it does in other timeouts: their producers could go on with the rest.
// So the epoch is raised before.
func (d *directory) openTransactions() (*journalState, error) {
	state := newJournalState()
	var session sessionFile
	if err := readKnown(d.path(sessionName), &session); err != nil {
		return nil, err
	}
	log, err := content(d.path("pids.log"))
	if err != nil {
		return nil, err
	}
	all, _, _ := entries(log)
	known := readProducers(all)
	size := len(log)
	for _, t := range session.Transactions {
		p := known[t.Producer]
		if p == nil {
			continue
		}
		if over := t.Start.Add(time.Duration(p.timeout) * time.Millisecond); !t.Start.IsZero() && time.Now().After(over) {
			if log, err = appendEntry(log, producerEntry{Type: "timeout", ID: t.Producer, Epoch: bump(p.epoch)}); err != nil {
				return nil, err
			}
			continue
		}
		for _, n := range t.notes(p.epoch) {
			state.apply(n)
		}
	}
	if len(log) > size {
		err = writeFile(d.path("pids.log"), log)
	}
	return state, err
}

// notes are what the journal would have noted of it.
func (t *sessionTxn) notes(epoch int16) []note {
	all := []note{{Type: noteTxn, Producer: t.Producer, Epoch: epoch}}
	for group, topics := range t.Offsets {
		for topic, partitions := range topics {
			for number, o := range partitions {
				all = append(all, note{
					Type: noteOffset, Producer: t.Producer, Epoch: epoch, Group: group, Topic: topic, Part: number,
					Offset: o.Offset, Leader: o.Epoch, Metadata: o.Metadata,
				})
			}
		}
	}
	return all
}

// readKnown reads a file of JSON. One that is missing or damaged changes nothing.
func readKnown(path string, v any) error {
	data, err := content(path)
	if err != nil || data == nil {
		return err
	}
	_ = json.Unmarshal(data, v) // kfake has just written it, or Recover has checked it
	return nil
}
