package recovery

import (
	"bytes"
	"os"
	"testing"
)

// FuzzEntries: what is whole in a log is found, whatever lies around it.
func FuzzEntries(f *testing.F) {
	f.Add([]byte("garbage"), []byte{})
	f.Add([]byte{}, []byte{4, 0, 0, 0, 1, 2, 3, 4, 1, 0, '{', '}'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, []byte{2, 0})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		good, err := appendEntry(nil, note{Type: noteTxn, Producer: 7})
		if err != nil {
			t.Fatal(err)
		}
		log := append(append(bytes.Clone(before), good...), after...)
		all, damaged, torn := entries(log)
		size, found := 0, false
		for _, e := range all {
			size += e.size
			found = found || bytes.Equal(log[e.at:e.at+e.size], good)
		}
		if size+damaged+torn != len(log) {
			t.Errorf("got %d bytes of entries, %d damaged, %d torn, want %d together", size, damaged, torn, len(log))
		}
		if !found && len(before) == 0 {
			t.Error("the entry was not found")
		}
	})
}

// FuzzScan: a segment of any content gives batches in order, and holds nothing
// else once it is cut.
func FuzzScan(f *testing.F) {
	one, two := markerBatch(5, 0, 1, 0, true, 1), markerBatch(6, 0, 2, 0, false, 1)
	f.Add(append(bytes.Clone(one), two...))
	f.Add(append(append(bytes.Clone(one), "between"...), two...))
	f.Add(one[:30])
	f.Add(append(bytes.Clone(two), one...))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		s := &segment{size: int64(len(data))}
		if err := os.WriteFile(s.path(dir), data, 0o600); err != nil {
			t.Fatal(err)
		}
		read := func() (n int) {
			end := int64(0)
			_, err := s.scan(dir, 0, 0, nil, func(b *batch, raw []byte) {
				if b.base < end || b.size != int64(len(raw)) {
					t.Errorf("got offset %d after %d, %d bytes of %d", b.base, end, len(raw), b.size)
				}
				end = b.end()
				_ = isAbort(raw)
				n++
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		n := read()
		if len(s.holes) == 0 && s.tail == 0 {
			return
		}
		if err := s.cut(dir); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != n || len(s.holes) > 0 || s.tail > 0 {
			t.Errorf("after the cut: got %d batches, %d holes, a tail of %d, want %d batches alone", got, len(s.holes), s.tail, n)
		}
	})
}

// TestJournalState: what an old epoch asks for, and what is asked twice, changes
// nothing.
func TestJournalState(t *testing.T) {
	t.Parallel()
	s := newJournalState()
	s.apply(note{Type: noteTxn, Producer: 1, Epoch: 3})
	s.apply(note{Type: noteOffset, Producer: 1, Epoch: 3, Group: "g", Topic: "t", Offset: 5})
	s.apply(note{Type: noteOffset, Producer: 1, Epoch: 2, Group: "g", Topic: "t", Offset: 1})
	s.apply(note{Type: noteEnd, Producer: 1, Epoch: 2, Commit: false})
	s.apply(note{Type: noteEnd, Producer: 1, Epoch: 3, Commit: true, LogSize: 10})
	s.apply(note{Type: noteEnd, Producer: 1, Epoch: 3, Commit: true, LogSize: 20})
	got := s.txns[1]
	if len(got.offsets) != 1 || got.offsets[offsetKey{"g", "t", 0}].Offset != 5 || got.end == nil || !got.end.Commit || got.end.LogSize != 10 {
		t.Errorf("got %+v", got)
	}
	again := newJournalState()
	for _, n := range s.notes() {
		again.apply(n)
	}
	if a := again.txns[1]; len(a.offsets) != 1 || a.end == nil || a.end.LogSize != 10 {
		t.Errorf("written and read: got %+v", a)
	}
	// The next one of the same epoch, as before KIP-890.
	s.apply(note{Type: noteTxn, Producer: 1, Epoch: 3})
	if got := s.txns[1]; got.end != nil || len(got.offsets) > 0 {
		t.Errorf("the next: got %+v, want a new one", got)
	}
	s.apply(note{Type: noteEnd, Producer: 1, Epoch: 3})
	s.forgetEnded()
	if len(s.txns) > 0 {
		t.Errorf("got %v, want none", s.txns)
	}
}

// TestJournalRewrite: the journal holds what counts, however much was noted.
func TestJournalRewrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := openJournal(dir, newJournalState())
	if err != nil {
		t.Fatal(err)
	}
	j.limit = 1000
	j.write(note{Type: noteTxn, Producer: 7, Epoch: 1})
	j.write(note{Type: noteStart, TopicID: "id", Start: 5, End: 9})
	for i := range int64(100) {
		j.write(note{Type: noteTxn, Producer: 100 + i}, note{Type: noteEnd, Producer: 100 + i})
		if i == 10 {
			j.limit = 1000
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := readJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.starts[partitionKey{"id", 0}]; s.txns[7] == nil || n.Start != 5 || n.End != 9 || s.txns[199] == nil {
		t.Errorf("got %v, %v, want all that is open, and the last", s.txns, s.starts)
	}
}
