// Package batchtest makes record batches, sound ones and others, for tests.
package batchtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The codecs, as the attributes of a batch name them.
const (
	None = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// Record is one record of a batch; nil is no key or value.
type Record struct {
	Key, Value []byte
	Headers    []string // names and values in turn
}

// Encode gives records as an uncompressed batch has them.
func Encode(records ...Record) []byte {
	var out []byte
	for i, r := range records {
		k := kmsg.Record{OffsetDelta: int32(i), Key: r.Key, Value: r.Value}
		for h := 0; h+1 < len(r.Headers); h += 2 {
			k.Headers = append(k.Headers, kmsg.Header{Key: r.Headers[h], Value: []byte(r.Headers[h+1])})
		}
		body := k.AppendTo(nil)[1:] // without the length, which was 0
		out = binary.AppendVarint(out, int64(len(body)))
		out = append(out, body...)
	}
	return out
}

// New is a batch of so many records, whose bytes are compressed as attributes say.
// Change what is not as it should be, then call [Bytes].
func New(attributes int16, count int, records []byte) *kmsg.RecordBatch {
	now := time.Now().UnixMilli()
	return &kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: attributes, LastOffsetDelta: int32(count - 1),
		FirstTimestamp: now, MaxTimestamp: now, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(count), Records: Compress(attributes&7, records), Length: -1,
	}
}

// Bytes is a batch as it is sent, with its checksum, and its length where that is
// negative.
func Bytes(b *kmsg.RecordBatch) []byte {
	if b.Length < 0 {
		b.Length = int32(len(b.Records)) + 49
	}
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], crc32.MakeTable(crc32.Castagnoli)))
	return out
}

// Sound is a batch of so many records that nothing is wrong with.
func Sound(attributes int16, count int) []byte {
	records := make([]Record, count)
	for i := range records {
		records[i] = Record{Key: []byte("k"), Value: []byte(strings.Repeat("value ", 20)), Headers: []string{"name", "text"}}
	}
	return Bytes(New(attributes, count, Encode(records...)))
}

// Compress compresses as a codec does.
func Compress(codec int16, p []byte) []byte {
	var b bytes.Buffer
	switch codec {
	case Gzip:
		w := gzip.NewWriter(&b)
		_, _ = w.Write(p)
		_ = w.Close()
	case Snappy:
		return s2.EncodeSnappy(nil, p)
	case LZ4:
		w := lz4.NewWriter(&b)
		_, _ = w.Write(p)
		_ = w.Close()
	case Zstd:
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write(p)
		_ = w.Close()
	default:
		return p
	}
	return b.Bytes()
}

// Bomb is a batch with one record whose value is so many MiB of zeros.
func Bomb(codec int16, mebibytes int) []byte {
	zeros := make([]byte, 1<<20)
	record := Encode(Record{Value: zeros[:0]})[1:] // without its length
	record = binary.AppendVarint(record[:4], int64(mebibytes)<<20)
	head := binary.AppendVarint(nil, int64(len(record)+mebibytes<<20+1))
	var b bytes.Buffer
	var w io.WriteCloser
	switch codec {
	case Gzip:
		w, _ = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	case LZ4:
		w = lz4.NewWriter(&b)
	case Zstd:
		w, _ = zstd.NewWriter(&b)
	default:
		b.WriteString("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
		w = blocks{&b}
	}
	_, _ = w.Write(append(head, record...))
	for range mebibytes {
		_, _ = w.Write(zeros)
	}
	_, _ = w.Write([]byte{0}) // no headers
	_ = w.Close()
	batch := New(None, 1, b.Bytes())
	batch.Attributes = codec
	return Bytes(batch)
}

// blocks writes snappy's blocks as Java frames them.
type blocks struct{ to *bytes.Buffer }

func (w blocks) Write(p []byte) (int, error) {
	block := s2.EncodeSnappy(nil, p)
	w.to.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block))))
	return w.to.Write(block)
}

func (blocks) Close() error { return nil }

// Case is a batch that a broker gets.
type Case struct {
	Name string
	// Batch is what is sent for one partition.
	Batch []byte
	// Version of the Produce request; zero means 9.
	Version int16
}

func with(change func(*kmsg.RecordBatch)) []byte {
	b := New(None, 3, Encode(Record{Key: []byte("a")}, Record{Key: []byte("b")}, Record{Key: []byte("c")}))
	change(b)
	return Bytes(b)
}

func raw(change func([]byte) []byte) []byte { return change(Sound(None, 3)) }

// Malformed are batches that a broker refuses.
func Malformed() []Case {
	now := time.Now().UnixMilli()
	three := Encode(Record{Key: []byte("a")}, Record{Key: []byte("b")}, Record{Key: []byte("c")})
	reordered := append([]byte(nil), three...)
	reordered[3] = 2 * 5 // the first record's offset delta
	negativeHeaders := append([]byte(nil), three...)
	negativeHeaders[len(negativeHeaders)-1] = 3
	manyHeaders := append([]byte(nil), three...)
	manyHeaders[len(manyHeaders)-1] = 100
	longKey := append([]byte(nil), three...)
	longKey[4] = 120
	longRecord := append([]byte(nil), three...)
	longRecord[0] = 126
	cases := []Case{
		{Name: "Empty", Batch: []byte{}},
		{Name: "Few bytes", Batch: []byte{1, 2, 3}},
		{Name: "Zeros", Batch: make([]byte, 70)},
		{Name: "Cut off", Batch: raw(func(b []byte) []byte { return b[:len(b)-1] })},
		{Name: "Length too large", Batch: with(func(b *kmsg.RecordBatch) { b.Length = 1 << 20 })},
		{Name: "Length too small", Batch: with(func(b *kmsg.RecordBatch) { b.Length = 13 })},
		{Name: "Length negative", Batch: raw(func(b []byte) []byte { binary.BigEndian.PutUint32(b[8:], 1<<31); return b })},
		{Name: "Length within header", Batch: raw(func(b []byte) []byte { binary.BigEndian.PutUint32(b[8:], 40); return b[:52] })},
		{Name: "Base offset", Batch: with(func(b *kmsg.RecordBatch) { b.FirstOffset = 5 })},
		{Name: "Magic 0", Batch: with(func(b *kmsg.RecordBatch) { b.Magic = 0 })},
		{Name: "Magic 1", Batch: with(func(b *kmsg.RecordBatch) { b.Magic = 1 })},
		{Name: "Magic 3", Batch: with(func(b *kmsg.RecordBatch) { b.Magic = 3 })},
		{Name: "CRC", Batch: raw(func(b []byte) []byte { b[17]++; return b })},
		{Name: "CRC and garbage", Batch: raw(func(b []byte) []byte { clear(b[61:]); return b })},
		{Name: "Count -5", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = -5, -6 })},
		{Name: "Count -5 alone", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords = -5 })},
		{Name: "Count 0", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 0, -1 })},
		{Name: "Count max", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 1<<31-1, 1<<31-2 })},
		{Name: "Count above records", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 4, 3 })},
		{Name: "Count below records", Batch: with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 2, 1 })},
		{Name: "Last offset delta", Batch: with(func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 7 })},
		{Name: "Control", Batch: with(func(b *kmsg.RecordBatch) { b.Attributes = 0x20 })},
		{Name: "Producer without sequence", Batch: with(func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch = 1, 0 })},
		{Name: "Codec 5", Batch: with(func(b *kmsg.RecordBatch) { b.Attributes = 5 })},
		{Name: "Zstd in version 6", Version: 6, Batch: Sound(Zstd, 3)},
		{Name: "Two batches", Batch: append(Sound(None, 1), Sound(None, 1)...)},
		{Name: "Garbage behind", Batch: append(Sound(None, 1), make([]byte, 64)...)},
		{Name: "Offset deltas", Batch: Bytes(New(None, 3, reordered))},
		{Name: "Headers negative", Batch: Bytes(New(None, 3, negativeHeaders))},
		{Name: "Headers many", Batch: Bytes(New(None, 3, manyHeaders))},
		{Name: "Key too long", Batch: Bytes(New(None, 3, longKey))},
		{Name: "Record too long", Batch: Bytes(New(None, 3, longRecord))},
		{Name: "Records garbage", Batch: Bytes(New(None, 3, bytes.Repeat([]byte{0xff}, 40)))},
		{Name: "Records missing", Batch: Bytes(New(None, 3, nil))},
		{Name: "Too large", Batch: Bytes(New(None, 1, Encode(Record{Key: []byte("k"), Value: make([]byte, 2<<20)})))},
		{Name: "Future", Batch: with(func(b *kmsg.RecordBatch) { b.FirstTimestamp = now + 7_200_000; b.MaxTimestamp = b.FirstTimestamp })},
	}
	for codec, name := range []string{Gzip: "Gzip", Snappy: "Snappy", LZ4: "LZ4", Zstd: "Zstd"} {
		if name == "" {
			continue
		}
		b := New(int16(codec), 3, three)
		cut := *b
		cut.Records = cut.Records[:len(cut.Records)/2]
		garbage := *b
		garbage.Records = bytes.Repeat([]byte{0x5a}, 50)
		more, fewer := *b, *b
		more.NumRecords, more.LastOffsetDelta = 4, 3
		fewer.NumRecords, fewer.LastOffsetDelta = 2, 1
		cases = append(cases,
			Case{Name: name + " cut off", Batch: Bytes(&cut)}, Case{Name: name + " garbage", Batch: Bytes(&garbage)},
			Case{Name: name + " count above", Batch: Bytes(&more)}, Case{Name: name + " count below", Batch: Bytes(&fewer)},
			Case{Name: name + " of plain", Batch: with(func(b *kmsg.RecordBatch) { b.Attributes = int16(codec) })},
		)
	}
	return cases
}

// Undecodable are batches that readers cannot decode, and that a broker which checks
// their headers alone acknowledges, as kfake does.
func Undecodable() []Case {
	var all []Case
	for _, c := range Malformed() {
		switch c.Name {
		case "Count above records", "Key too long", "Records garbage", "Records missing",
			"Gzip garbage", "Snappy of plain", "LZ4 cut off", "Zstd cut off":
			all = append(all, c)
		}
	}
	return append(all, Case{Name: "Bomb", Batch: Bomb(Zstd, 160)})
}

// Send produces a batch as it is, and gives the offset that it got.
func Send(ctx context.Context, client *kgo.Client, topic string, partition int32, batch []byte) (offset int64, err error) {
	details, err := kadm.NewClient(client).ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Topic, t.TopicID, t.Partitions = topic, details[topic].ID, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	raw, err := client.Broker(int(details[topic].Partitions[partition].Leader)).RetriableRequest(ctx, req)
	if err != nil {
		return 0, err
	}
	answer := raw.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	return answer.BaseOffset, kerr.ErrorForCode(answer.ErrorCode)
}
