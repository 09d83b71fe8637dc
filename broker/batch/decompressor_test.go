package batch

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch/batchtest"
)

func TestDecompressor(t *testing.T) { // not parallel: what is in use is counted
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	want := batchtest.Encode(batchtest.Record{Value: bytes.Repeat([]byte("kafka"), 1<<18)})
	for codec := range int16(5) {
		got, err := Decompressor().Decompress(batchtest.Compress(codec, want), kgo.CompressionCodecType(codec))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("codec %d: got %d bytes, %v, want %d", codec, len(got), err, len(want))
		}
	}
	for codec := int16(1); codec < 5; codec++ {
		bomb := batchtest.Bomb(codec, 200)
		if _, err := Decompressor().Decompress(bomb[headSize:], kgo.CompressionCodecType(codec)); !errors.Is(err, kgo.ErrMaxDecompress) {
			t.Errorf("codec %d, a bomb: got %v", codec, err)
		}
	}
	var kept [][]byte
	large := batchtest.Bomb(batchtest.Zstd, 100)[headSize:]
	for range 10 {
		p, err := Decompressor().Decompress(large, kgo.CodecZstd)
		if errors.Is(err, ErrBusy) {
			break
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 || len(kept) > 4 {
		t.Errorf("%d of 100 MiB were in use at once", len(kept))
	}
	clear(kept)
	for outstanding.bytes.Load() > 0 { // cleanups run behind the collection
		runtime.GC()
	}
	if _, err := Decompressor().Decompress(large, kgo.CodecZstd); err != nil {
		t.Errorf("nothing is in use: got %v", err)
	}
}
