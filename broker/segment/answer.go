package segment

import (
	"encoding/binary"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Answer is what a broker answers to a Fetch request.
type Answer struct {
	Version     int16 // of the request, from 4 on
	Correlation int32
	Committed   bool // asked for by a reader of committed records only
	Topics      []Topic
}

// Topic is the part of an answer about one topic.
type Topic struct {
	Name       string   // up to version 12
	ID         [16]byte // from version 13 on
	Partitions []Portion
}

// Portion is the part of an answer about one partition. Its batches may be nil.
type Portion struct {
	Partition                     int32
	HighWatermark, Stable, Oldest int64 // offsets
	Batches                       []byte
}

const (
	flexible = 12 // is the first version with compact lengths and tagged fields
	prefix   = 4  // the size of a frame, before it
)

// Frame is the answer as bytes: batches are referred to, not copied. No transaction is
// reported as aborted, and the session as none.
func (a *Answer) Frame() net.Buffers {
	w := &writer{flexible: a.Version >= flexible}
	w.b = append(w.b, 0, 0, 0, 0)
	w.b = kbin.AppendInt32(w.b, a.Correlation)
	w.tags()
	w.b = kbin.AppendInt32(w.b, 0) // throttled for no time
	if a.Version >= 7 {
		w.b = kbin.AppendInt16(w.b, 0) // no error
		w.b = kbin.AppendInt32(w.b, 0) // no session
	}
	w.length(len(a.Topics))
	for _, t := range a.Topics {
		switch {
		case a.Version >= 13:
			w.b = append(w.b, t.ID[:]...)
		case w.flexible:
			w.b = kbin.AppendCompactString(w.b, t.Name)
		default:
			w.b = kbin.AppendString(w.b, t.Name)
		}
		w.length(len(t.Partitions))
		for _, p := range t.Partitions {
			a.portion(w, p)
		}
		w.tags()
	}
	w.tags()
	return w.frame()
}

func (a *Answer) portion(w *writer, p Portion) {
	w.b = kbin.AppendInt32(w.b, p.Partition)
	w.b = kbin.AppendInt16(w.b, 0) // no error
	w.b = kbin.AppendInt64(w.b, p.HighWatermark)
	w.b = kbin.AppendInt64(w.b, p.Stable)
	if a.Version >= 5 {
		w.b = kbin.AppendInt64(w.b, p.Oldest)
	}
	if a.Committed {
		w.length(0)
	} else {
		w.length(-1)
	}
	if a.Version >= 11 {
		w.b = kbin.AppendInt32(w.b, -1) // no replica is nearer
	}
	w.batches(p.Batches)
	w.tags()
}

// writer puts parts of b and what is between them together.
type writer struct {
	flexible bool
	b        []byte
	cuts     []cut
}

// cut is where bytes of another's go.
type cut struct {
	at    int
	bytes []byte
}

// length is an array's; -1 is null.
func (w *writer) length(n int) {
	if w.flexible {
		w.b = kbin.AppendUvarint(w.b, uint32(n+1))
		return
	}
	w.b = kbin.AppendInt32(w.b, int32(n))
}

func (w *writer) batches(p []byte) {
	w.length(len(p))
	if len(p) > 0 {
		w.cuts = append(w.cuts, cut{len(w.b), p})
	}
}

// tags are no tagged fields.
func (w *writer) tags() {
	if w.flexible {
		w.b = append(w.b, 0)
	}
}

func (w *writer) frame() net.Buffers {
	size, from := len(w.b), 0
	var out net.Buffers
	for _, c := range w.cuts {
		out = append(out, w.b[from:c.at], c.bytes)
		from, size = c.at, size+len(c.bytes)
	}
	binary.BigEndian.PutUint32(w.b, uint32(size-prefix))
	return append(out, w.b[from:])
}
