package answers

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// batchOf is a batch of one time and this many bytes of records.
func batchOf(first, last int64, records int) []byte {
	b := make([]byte, batchHead+records)
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-lengthFrom))
	b[atMagic] = 2
	binary.BigEndian.PutUint64(b[atFirstTimestamp:], uint64(first))
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(last))
	sign(b)
	return b
}

func TestMark(t *testing.T) {
	t.Parallel()
	damaged := batchOf(1, 1, 9)
	damaged[batchHead]++
	old, stamped := batchOf(1, 2, 3), batchOf(5, 9, 30)
	stamp(stamped, 7)
	all := bytes.Join([][]byte{old, stamped, damaged, stamped[:40]}, nil)
	mark(all)
	marked := append([]byte{}, stamped...)
	marked[atAttributes+1] |= appendTimeFlag
	sign(marked)
	if want := bytes.Join([][]byte{old, marked, damaged, stamped[:40]}, nil); !bytes.Equal(all, want) {
		t.Errorf("got  %x\nwant %x", all, want)
	}
	if !sound(stamped) || !sound(marked) {
		t.Error("a checksum is wrong")
	}
	before := append([]byte{}, damaged...)
	if stamp(damaged, 7); !bytes.Equal(before, damaged) {
		t.Error("a damaged batch was signed anew")
	}
}

// FuzzMark: no bytes break what looks for batches in them.
func FuzzMark(f *testing.F) {
	f.Add(batchOf(1, 1, 0))
	f.Add(append(batchOf(1, 2, 5), batchOf(3, 3, 1)...))
	f.Fuzz(func(_ *testing.T, b []byte) {
		mark(b)
		stamp(b, 1)
	})
}
