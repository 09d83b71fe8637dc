package recovery

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// journalName is the file of what kfake keeps in memory only.
const journalName = "journal.log"

// compactJournal is how long the journal grows before it is written anew.
const compactJournal = 4 << 20

// note is one entry of the journal.
type note struct {
	Type string `json:"type"` // start, drop, txn, offset or end
	// Of a start: where the partition begins and ends. Of a drop: the topic.
	TopicID string `json:"id,omitempty"`
	Topic   string `json:"t,omitempty"`
	Part    int32  `json:"p,omitempty"`
	Start   int64  `json:"start,omitempty"`
	End     int64  `json:"end,omitempty"`
	// Of a transaction.
	Producer int64   `json:"pid,omitempty"`
	Epoch    int16   `json:"epoch,omitempty"`
	Group    string  `json:"g,omitempty"`
	Offset   int64   `json:"o,omitempty"`
	Leader   int32   `json:"e,omitempty"`
	Metadata *string `json:"m,omitempty"`
	// Of its end.
	Commit  bool  `json:"commit,omitempty"`
	Version int16 `json:"v,omitempty"` // of the EndTxn request
	// LogSize is that of kfake's pids.log before the end: kfake adds an entry
	// once the transaction has ended.
	LogSize int64 `json:"size,omitempty"`
}

const (
	noteStart  = "start"
	noteTxn    = "txn"
	noteOffset = "offset"
	noteEnd    = "end"
	noteDrop   = "drop"
)

// offsets are where a partition begins and ends at the least.
type offsets struct{ Start, End int64 }

// partitionKey names a partition of one topic, not of a later one of its name.
type partitionKey struct {
	topicID string
	number  int32
}

// offsetKey is what a group commits for.
type offsetKey struct {
	group, topic string
	number       int32
}

// txn is what the journal notes of a producer's last transaction.
type txn struct {
	epoch   int16
	offsets map[offsetKey]note
	end     *note // once asked for
}

// journalState is what the entries of a journal come to.
type journalState struct {
	starts  map[partitionKey]note
	txns    map[int64]*txn
	dropped map[string]bool // topics that are deleted, by id
}

func newJournalState() *journalState {
	return &journalState{starts: make(map[partitionKey]note), txns: make(map[int64]*txn), dropped: make(map[string]bool)}
}

// apply takes an entry in. What an older epoch of a producer asks for is refused
// by kfake too.
func (s *journalState) apply(n note) {
	switch n.Type {
	case noteDrop:
		s.dropped[n.TopicID] = true
		return
	case noteStart:
		key := partitionKey{n.TopicID, n.Part}
		old := s.starts[key]
		n.Start, n.End = max(n.Start, old.Start), max(n.End, old.End)
		s.starts[key] = n
		return
	}
	t := s.txns[n.Producer]
	if t != nil && n.Epoch < t.epoch {
		return
	}
	// From Produce 12 on, a transaction begins without a request of its own.
	if t == nil || n.Epoch > t.epoch || t.end != nil && n.Type != noteEnd {
		t = &txn{epoch: n.Epoch, offsets: make(map[offsetKey]note)}
		s.txns[n.Producer] = t
	}
	switch n.Type {
	case noteOffset:
		t.offsets[offsetKey{n.Group, n.Topic, n.Part}] = n
	case noteEnd:
		if t.end == nil {
			t.end = &n
		}
	}
}

// forgetEnded drops the transactions that have ended.
func (s *journalState) forgetEnded() {
	maps.DeleteFunc(s.txns, func(_ int64, t *txn) bool { return t.end != nil })
}

// notes are the entries that come to this state.
func (s *journalState) notes() []note {
	var all []note
	for _, n := range s.starts {
		all = append(all, n)
	}
	for id := range s.dropped {
		all = append(all, note{Type: noteDrop, TopicID: id})
	}
	for producer, t := range s.txns {
		all = append(all, note{Type: noteTxn, Producer: producer, Epoch: t.epoch})
		for _, n := range t.offsets {
			all = append(all, n)
		}
		if t.end != nil {
			all = append(all, *t.end)
		}
	}
	return all
}

// readJournal reads the journal of a directory, up to a torn end.
func readJournal(root string) (*journalState, error) {
	s := newJournalState()
	data, err := content(filepath.Join(root, journalName))
	if errors.Is(err, errNotFile) {
		_, err = setAside(filepath.Join(root, journalName))
	}
	if err != nil {
		return nil, err
	}
	all, _, _ := entries(data)
	for _, e := range all {
		var n note
		if json.Unmarshal(e.data, &n) == nil {
			s.apply(n)
		}
	}
	return s, nil
}

// journal keeps on disk what kfake keeps in memory only until its clean stop: the
// begun transactions with their offsets, and where partitions start. Its methods
// are safe for concurrent use.
type journal struct {
	root string

	mu    sync.Mutex
	file  *os.File
	size  int64
	limit int64 // of size, from where on it is written anew
	state *journalState
	err   error // the first of writing
}

// openJournal starts a journal with this state.
func openJournal(root string, state *journalState) (*journal, error) {
	j := &journal{root: root, state: state}
	return j, j.rewrite()
}

// rewrite replaces the file by what counts. The caller holds mu, or is alone.
func (j *journal) rewrite() error {
	var log []byte
	for _, n := range j.state.notes() {
		var err error
		if log, err = appendEntry(log, n); err != nil {
			return err
		}
	}
	path := filepath.Join(j.root, journalName)
	if err := writeDerived(path, log); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fileError(path, err)
	}
	if j.file != nil {
		_ = j.file.Close() // it was replaced
	}
	j.file, j.size = f, int64(len(log))
	j.limit = max(compactJournal, 2*j.size) // all of it may count: not at each entry
	return nil
}

// write adds entries. An error is kept for Close: kfake goes on without.
func (j *journal) write(notes ...note) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || len(notes) == 0 {
		return
	}
	if j.size > j.limit {
		j.state.forgetEnded() // kfake has seen to them before it takes another request
		if err := j.rewrite(); err != nil && j.err == nil {
			j.err = err
		}
	}
	var log []byte
	var err error
	for _, n := range notes {
		j.state.apply(n)
		if log, err = appendEntry(log, n); err != nil {
			j.err = errors.Join(j.err, err)
			return
		}
	}
	if _, err := j.file.Write(log); err != nil && j.err == nil {
		j.err = fileError(j.file.Name(), err)
	}
	j.size += int64(len(log))
}

// fail keeps an error for Close.
func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = err
	}
}

// Close ends the journal. It returns the first error of writing it.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return j.err
	}
	err := errors.Join(j.err, j.file.Close())
	j.file = nil
	return err
}
