package batch

import (
	"bytes"
	"testing"

	"axion/broker/batch/batchtest"
)

// stamped is a batch as a topic with LogAppendTime stores it.
func stamped(t testing.TB, codec int16, now int64) batch {
	t.Helper()
	r := rules()
	r.LogAppendTime, r.Now = true, now
	b := batchtest.Sound(codec, 3)
	if _, err := Validate(b, r); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStamp(t *testing.T) {
	t.Parallel()
	for codec := range int16(5) {
		b := stamped(t, codec, 7)
		if b.attributes() != uint8(codec)|stampFlag || b.baseTimestamp() != 7 || b.maxTimestamp() != 7 || b.crc() != b.computedCRC() {
			t.Errorf("codec %d: got attributes %x, times %d and %d, checksum right: %t",
				codec, b.attributes(), b.baseTimestamp(), b.maxTimestamp(), b.crc() == b.computedCRC())
		}
	}
	r := rules()
	r.LogAppendTime = true
	damaged := batchtest.Sound(0, 3)
	damaged[len(damaged)-1]++
	before := bytes.Clone(damaged)
	if _, err := Validate(damaged, r); err == nil || !bytes.Equal(before, damaged) {
		t.Errorf("a damaged batch was signed anew, %v", err)
	}
	own := batch(batchtest.Sound(0, 3))
	own[atAttributes+1] |= stampFlag
	own.sign()
	if _, err := Validate(own, rules()); err != nil || own.attributes() != 0 || own.crc() != own.computedCRC() {
		t.Errorf("a producer's own stamp: got attributes %x, %v", own.attributes(), err)
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	plain, one := batch(batchtest.Sound(1, 3)), stamped(t, 0, 7)
	damaged := bytes.Clone(one)
	damaged[headSize]++
	all := bytes.Join([][]byte{plain, one, damaged, one[:len(one)-1]}, nil)
	Mark(all)
	marked := batch(bytes.Clone(one))
	marked[atAttributes+1] = logAppendFlag
	marked.sign()
	if want := bytes.Join([][]byte{plain, marked, damaged, one[:len(one)-1]}, nil); !bytes.Equal(all, want) {
		t.Errorf("got  %x\nwant %x", all, want)
	}
}

// FuzzMark: no bytes break what looks for batches in them.
func FuzzMark(f *testing.F) {
	f.Add(append(batchtest.Sound(0, 1), stamped(f, 1, 7)...))
	f.Fuzz(func(_ *testing.T, b []byte) { Mark(b) })
}
