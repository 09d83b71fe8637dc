package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/batch/batchtest"
)

func rules() *Rules {
	return &Rules{Topic: "a", Version: 9, MaxBytes: 1_048_588, Now: time.Now().UnixMilli(), Before: math.MaxInt64, After: 3_600_000}
}

// decoded is how many records a client finds in a batch.
func decoded(p []byte) (int, error) {
	part := &kmsg.FetchResponseTopicPartition{RecordBatches: p}
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{}, part, kgo.DefaultDecompressor(), nil)
	return len(got.Records), got.Err
}

func TestValidateSound(t *testing.T) {
	t.Parallel()
	for codec := range int16(5) {
		for _, count := range []int{1, 2, 500} {
			b := batchtest.Sound(codec, count)
			before := bytes.Clone(b)
			size, err := Validate(b, rules())
			if err != nil || size != len(b) || !bytes.Equal(b, before) {
				t.Errorf("codec %d, %d records: got %d of %d bytes, %v; unchanged %v", codec, count, size, len(b), err, bytes.Equal(b, before))
			}
		}
	}
	behind := append(batchtest.Sound(0, 2), 1, 2, 3)
	if size, err := Validate(behind, rules()); err != nil || size != len(behind)-3 {
		t.Errorf("bytes behind a batch: got %d of %d, %v", size, len(behind), err)
	}
	if size, err := Validate(batchtest.Sound(batchtest.Zstd, 2), &Rules{Version: 6, MaxBytes: 1 << 20}); err == nil || size != 0 ||
		err.Code != kerr.UnsupportedCompressionType {
		t.Errorf("zstd in version 6: got %v", err)
	}
}

func TestValidateMalformed(t *testing.T) {
	t.Parallel()
	for _, c := range batchtest.Malformed() {
		r := rules()
		if c.Version > 0 {
			r.Version = c.Version
		}
		size, err := Validate(bytes.Clone(c.Batch), r)
		if c.Name == "CRC" { // for who appends it
			if err != nil || size == 0 {
				t.Errorf("%s: got %d bytes, %v", c.Name, size, err)
			}
			continue
		}
		if err == nil || err.Message == "" || size != 0 {
			t.Errorf("%s: got %d bytes, %v, want it refused", c.Name, size, err)
		}
	}
}

func TestValidateRecords(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixMilli()
	noKey := batchtest.Encode(batchtest.Record{Key: []byte("a")}, batchtest.Record{Value: []byte("b")}, batchtest.Record{Key: []byte{}})
	for codec := range int16(5) {
		compacted := rules()
		compacted.Compacted = true
		_, err := Validate(batchtest.Bytes(batchtest.New(codec, 3, noKey)), compacted)
		if err == nil || err.Code != kerr.InvalidRecord || len(err.Records) != 1 || err.Records[0].Index != 1 ||
			err.Records[0].Message != "Compacted topic cannot accept message without key in topic partition a-0" {
			t.Errorf("codec %d, no key: got %+v", codec, err)
		}
		if _, err := Validate(batchtest.Bytes(batchtest.New(codec, 3, noKey)), rules()); err != nil {
			t.Errorf("codec %d: got %v, want no key where it is not asked for", codec, err)
		}
		for delta, refused := range map[int64]bool{3_500_000: false, 3_700_000: true, -1e12: false} {
			b := batchtest.New(codec, 3, noKey)
			b.FirstTimestamp, b.MaxTimestamp = now+delta, now+delta
			_, err := Validate(batchtest.Bytes(b), rules())
			if (err != nil) != refused || refused && (err.Code != kerr.InvalidTimestamp || len(err.Records) != 3) {
				t.Errorf("codec %d, %d ms ahead: got %+v", codec, delta, err)
			}
			late := rules()
			late.LogAppendTime = true
			if _, err := Validate(batchtest.Bytes(b), late); err != nil {
				t.Errorf("codec %d, log append time: got %v", codec, err)
			}
		}
	}
	old := rules()
	old.Before = 1000
	b := batchtest.New(0, 3, noKey)
	b.FirstTimestamp -= 5000
	if _, err := Validate(batchtest.Bytes(b), old); err == nil || err.Code != kerr.InvalidTimestamp {
		t.Errorf("5 s old: got %v", err)
	}
	b.FirstTimestamp = -1
	if _, err := Validate(batchtest.Bytes(b), old); err != nil {
		t.Errorf("without a time: got %v", err)
	}
}

// TestValidateHeader: the header's time becomes that of the records, the type the
// client's, and the checksum is right after.
func TestValidateHeader(t *testing.T) {
	t.Parallel()
	for _, attributes := range []int16{0, 1, logAppendFlag} {
		b := batchtest.New(attributes, 2, batchtest.Encode(batchtest.Record{}, batchtest.Record{}))
		want := b.FirstTimestamp
		b.MaxTimestamp += 1000
		if attributes == logAppendFlag {
			want = b.MaxTimestamp
		}
		p := batchtest.Bytes(b)
		broken := bytes.Clone(p)
		broken[atCRC]++
		if _, err := Validate(p, rules()); err != nil {
			t.Fatal(err)
		}
		got := batch(p)
		if got.maxTimestamp() != want || got.attributes()&logAppendFlag != 0 || got.crc() != got.computedCRC() {
			t.Errorf("attributes %d: got %d, want %d; attributes %d, checksum right: %v",
				attributes, got.maxTimestamp(), want, got.attributes(), got.crc() == got.computedCRC())
		}
		if _, err := Validate(broken, rules()); err == nil || err.Code != kerr.CorruptMessage {
			t.Errorf("attributes %d, a wrong checksum: got %v, want it not signed anew", attributes, err)
		}
	}
}

// TestBomb: what decompresses to much is refused, and takes little memory.
func TestBomb(t *testing.T) { // not parallel: it measures
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	for codec := int16(1); codec < 5; codec++ {
		bomb := batchtest.Bomb(codec, 1<<10)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := rules()
		r.MaxBytes = 1 << 30
		_, err := Validate(bomb, r)
		runtime.ReadMemStats(&after)
		if err == nil || err.Code != kerr.MessageTooLarge {
			t.Errorf("codec %d, %d bytes: got %v", codec, len(bomb), err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
			t.Errorf("codec %d: took %d MiB", codec, took>>20)
		}
		t.Logf("codec %d: %d bytes, took %d KiB", codec, len(bomb), (after.TotalAlloc-before.TotalAlloc)>>10)
	}
}

// FuzzValidate: what is valid is what a client decodes to the last record.
func FuzzValidate(f *testing.F) {
	for codec := range int16(5) {
		f.Add(batchtest.Sound(codec, 3))
	}
	for _, c := range batchtest.Malformed() {
		if len(c.Batch) < 4096 {
			f.Add(c.Batch)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) >= headSize { // else it would be the checksum that is tried
			binary.BigEndian.PutUint32(p[atCRC:], batch(p).computedCRC())
		}
		r := rules()
		r.MaxBytes, r.After = 1<<14, math.MaxInt64
		size, refused := Validate(p, r)
		if refused != nil {
			if refused.Code == nil || refused.Message == "" {
				t.Fatal("refused without a reason")
			}
			return
		}
		b := batch(p[:size])
		if b.crc() != b.computedCRC() { // it was of more bytes than the batch has
			return
		}
		if n, err := decoded(b); err != nil || n != int(b.count()) {
			t.Fatalf("a client finds %d of %d records, %v: %x", n, b.count(), err, p)
		}
	})
}
