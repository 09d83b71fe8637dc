package recovery

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
)

// producer is what kfake's log of producer ids says of one.
type producer struct {
	epoch   int16
	txnID   string
	timeout int32
	commit  bool   // how its last transaction ended
	last    string // the type of its last entry
	ended   int    // where that starts, or -1
}

// producers are those of a log, by id.
type producers map[int64]*producer

// readProducers replays the entries as kfake does, but for how the last transaction
// ended. The initialization behind an end raises the epoch, and kfake
// (v0.0.0-20260918) takes it for one without a transaction when it reads its log:
// it refuses the EndTxn that a client sends again. Any other one, and a timeout,
// have aborted what was open.
func readProducers(log []entry) producers {
	all := make(producers)
	owner := make(map[string]int64)
	for _, e := range log {
		var in producerEntry
		if json.Unmarshal(e.data, &in) != nil {
			continue
		}
		p := all[in.ID]
		if p == nil {
			if in.Type != "init" {
				continue
			}
			p = &producer{ended: -1}
			all[in.ID] = p
		}
		p.epoch = in.Epoch
		switch {
		case in.Commit != nil:
			p.commit = *in.Commit
		case p.last != "endtx":
			p.commit = false
		}
		p.last = in.Type
		if in.Type == "init" {
			p.txnID, p.timeout = in.TxnID, in.Timeout
			if old, ok := owner[in.TxnID]; ok && old != in.ID && in.TxnID != "" {
				delete(all, old) // its epochs were used up
			}
			owner[in.TxnID] = in.ID
		}
		p.ended = e.at
	}
	return all
}

// encode is the log that a clean stop would have left.
func (all producers) encode() (log []byte, err error) {
	for _, id := range slices.Sorted(maps.Keys(all)) {
		p := all[id]
		e := producerEntry{Type: "init", ID: id, Epoch: p.epoch, TxnID: p.txnID}
		if p.txnID != "" {
			e.Timeout, e.Commit = p.timeout, &p.commit
		}
		if log, err = appendEntry(log, e); err != nil {
			return nil, err
		}
	}
	return log, nil
}

// see notes that a batch of a producer has this epoch: producers without
// transactions raise theirs by themselves (KIP-360), which kfake keeps in memory.
func (all producers) see(id int64, epoch int16) {
	p := all[id]
	if p == nil {
		p = &producer{ended: -1}
		all[id] = p
	}
	p.epoch = max(p.epoch, epoch)
}

// seeEnd notes a marker. One of a later epoch is of a recovery that was killed, or
// of a timeout, before the log reported it.
func (all producers) seeEnd(id int64, m marker) {
	if p := all[id]; p != nil && m.epoch > p.epoch {
		p.epoch, p.commit = m.epoch, m.commit
	}
}

// outcome is how a producer's transaction ends that had not at the kill.
type outcome struct {
	commit  bool
	marker  int16 // the epoch of its markers
	next    int16 // that of the producer from then on
	offsets []note
}

// decide gives the outcome of each transaction that was open. One whose end was
// asked for ends so; any other is aborted, and its producer fenced, as by a
// timeout (KIP-98): what it adds later would not be whole.
func decide(open map[int64]int16, journal *journalState, all producers, logSize int64) map[int64]outcome {
	ends := make(map[int64]outcome)
	for id, epoch := range open {
		ends[id] = outcome{marker: bump(epoch), next: bump(epoch)}
	}
	for id, t := range journal.txns {
		p := all[id]
		if p == nil || t.epoch != p.epoch {
			continue // it has ended, and a later one may have begun
		}
		epoch, hasData := open[id]
		switch {
		case t.end == nil:
			ends[id] = outcome{marker: bump(max(t.epoch, epoch)), next: bump(max(t.epoch, epoch))}
		case hasData && epoch == t.epoch, !hasData && !t.done(p, logSize):
			ends[id] = t.outcome()
		}
	}
	for id, o := range ends {
		if p := all[id]; p != nil && p.epoch > o.next {
			o.marker, o.next = p.epoch, p.epoch
			ends[id] = o
		}
	}
	return ends
}

// done reports whether kfake has noted the end. A log that is shorter now was
// written anew, which kfake does after such a note only.
func (t *txn) done(p *producer, logSize int64) bool {
	return logSize < t.end.LogSize || int64(p.ended) >= t.end.LogSize
}

// outcome of one whose end was asked for. From version 5 of the request on, each
// end raises the epoch (KIP-890).
func (t *txn) outcome() outcome {
	o := outcome{commit: t.end.Commit, marker: t.epoch, next: t.epoch}
	if t.end.Version >= 5 {
		o.next = bump(t.epoch)
	}
	if o.commit {
		for _, n := range t.offsets {
			o.offsets = append(o.offsets, n)
		}
	}
	return o
}

// bump is the epoch after another. The last one makes kfake give out another
// producer id.
func bump(epoch int16) int16 {
	if epoch == math.MaxInt16 {
		return epoch
	}
	return epoch + 1
}
