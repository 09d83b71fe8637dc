package broker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker"
	"axion/broker/batch/batchtest"
	"axion/services/clustertest"
)

// produceResponseEdit is what a broker answered about one partition.
type produceResponseEdit struct {
	code    int16
	message string
	records []int32 // those at fault
}

// producer sends raw bytes as batches.
type producer struct {
	t    *testing.T
	addr string
	acks int16
	// partition is where each batch goes; nil means the one of its index.
	partition func(int) int32
}

// send produces batches to the partitions of a topic, and gives the answers; none
// where the broker closed the connection.
func (p producer) send(topic string, version int16, batches ...[]byte) []produceResponseEdit {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(version)
	req.Acks, req.TimeoutMillis = p.acks, 10_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for i, b := range batches {
		part := kmsg.NewProduceRequestTopicPartition()
		part.Partition, part.Records = int32(i), b
		if p.partition != nil {
			part.Partition = p.partition(i)
		}
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, 7)); err != nil {
		p.t.Fatal(err)
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(conn, size); err != nil {
		return nil
	}
	body := make([]byte, binary.BigEndian.Uint32(size))
	if _, err := io.ReadFull(conn, body); err != nil {
		p.t.Fatal(err)
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.SetVersion(version)
	if body = body[4:]; resp.IsFlexible() {
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		p.t.Fatal(err)
	}
	answers := make([]produceResponseEdit, len(batches))
	for _, part := range resp.Topics[0].Partitions {
		a := &answers[part.Partition]
		a.code = part.ErrorCode
		if part.ErrorMessage != nil {
			a.message = *part.ErrorMessage
		}
		for _, r := range part.ErrorRecords {
			a.records = append(a.records, r.RelativeOffset)
		}
	}
	return answers
}

// open starts an embedded broker, and returns its address.
func open(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Start(t.Context(),
		broker.Options{Listener: l, Advertise: "127.0.0.1:0", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b.Addr()
}

// otherwise are the batches that Apache Kafka answers otherwise: with the error of an
// exception that it did not foresee, where ours is INVALID_RECORD, or by accepting
// what readers then trip over.
var otherwise = map[string]int16{
	"Codec 5": kerr.UnknownServerError.Code, "Records garbage": kerr.UnknownServerError.Code, "Offset deltas": 0,
	"Gzip cut off": kerr.UnknownServerError.Code, "Gzip garbage": kerr.UnknownServerError.Code, "Gzip of plain": kerr.UnknownServerError.Code,
	"Snappy cut off": kerr.UnknownServerError.Code, "Snappy garbage": kerr.UnknownServerError.Code,
	"Snappy of plain": kerr.UnknownServerError.Code,
	"LZ4 cut off":     kerr.UnknownServerError.Code, "LZ4 garbage": kerr.UnknownServerError.Code, "LZ4 of plain": kerr.UnknownServerError.Code,
	"Zstd cut off": kerr.UnknownServerError.Code, "Zstd garbage": kerr.UnknownServerError.Code, "Zstd of plain": kerr.UnknownServerError.Code,
}

// TestValidationKafka: Apache Kafka refuses the same batches with the same codes, and
// carries out the other partitions.
func TestValidationKafka(t *testing.T) {
	t.Parallel()
	kafka := clustertest.StartKafka(t)
	embedded := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, addr := range []string{kafka, embedded} {
		client, err := kgo.NewClient(kgo.SeedBrokers(addr))
		if err != nil {
			t.Fatal(err)
		}
		compact := "compact"
		admin := kadm.NewClient(client)
		made, err := admin.CreateTopics(ctx, 2, 1, nil, "plain")
		if err == nil {
			_, err = admin.CreateTopics(ctx, 2, 1, map[string]*string{"cleanup.policy": &compact}, "compacted")
		}
		if err != nil || made.Error() != nil {
			t.Fatal(err, made.Error())
		}
		client.Close()
		clustertest.Settle(t, addr)
	}
	both := func(topic string, c batchtest.Case) {
		version := c.Version
		if version == 0 {
			version = 9
		}
		var got [2][]produceResponseEdit
		for i, addr := range []string{kafka, embedded} {
			got[i] = producer{t: t, addr: addr, acks: -1}.send(topic, version, bytes.Clone(c.Batch), batchtest.Sound(0, 1))
		}
		if len(got[0]) == 0 || len(got[1]) == 0 {
			t.Errorf("%s: got %v, Kafka answers %v", c.Name, got[1], got[0])
			return
		}
		theirs, ours := got[0][0], got[1][0]
		if want, ok := otherwise[c.Name]; ok {
			if theirs.code != want || ours.code != kerr.InvalidRecord.Code && ours.code != kerr.UnsupportedCompressionType.Code {
				t.Errorf("%s: got %+v, Kafka answers %+v", c.Name, ours, theirs)
			}
		} else if theirs.code != ours.code || theirs.message != "" && theirs.message != ours.message ||
			!slices.Equal(theirs.records, ours.records) {
			t.Errorf("%s: got %+v, Kafka answers %+v", c.Name, ours, theirs)
		}
		if other := got[1][1].code; other != 0 && other != got[0][1].code {
			t.Errorf("%s: the other partition was not carried out: %v", c.Name, kerr.ErrorForCode(other))
		}
	}
	for _, c := range batchtest.Malformed() {
		both("plain", c)
	}
	noKey := batchtest.Encode(batchtest.Record{Key: []byte("a")}, batchtest.Record{Value: []byte("b")})
	both("compacted", batchtest.Case{Name: "No key", Batch: batchtest.Bytes(batchtest.New(0, 2, noKey))})
	both("compacted", batchtest.Case{Name: "No key, gzip", Batch: batchtest.Bytes(batchtest.New(1, 2, noKey))})
	transactional := batchtest.New(0x10, 2, noKey)
	both("plain", batchtest.Case{Name: "Transactional", Batch: batchtest.Bytes(transactional)})
	both("plain", batchtest.Case{Name: "Bytes behind", Batch: append(batchtest.Sound(0, 1), 1, 2, 3)})
	both("plain", batchtest.Case{Name: "Bytes behind with zeros", Batch: append(batchtest.Sound(0, 1), make([]byte, 11)...)})

	// A request that has a partition twice: the last one counts.
	twice := [2]int64{}
	for i, addr := range []string{kafka, embedded} {
		twice[i] = producer{t: t, addr: addr, acks: -1}.twice("twice")
	}
	if twice[0] != twice[1] {
		t.Errorf("a partition twice: got %d records, on Kafka %d", twice[1], twice[0])
	}
	for i, addr := range []string{kafka, embedded} {
		for version := range int16(3) {
			if got := (producer{t: t, addr: addr, acks: -1}).send("plain", version, batchtest.Sound(0, 1)); got != nil {
				t.Errorf("broker %d, version %d: got %v, want the connection closed", i, version, got)
			}
		}
		if got := (producer{t: t, addr: addr}).send("plain", 9, []byte{1}, batchtest.Sound(0, 1)); got != nil {
			t.Errorf("broker %d, no acknowledgement: got %v, want the connection closed", i, got)
		}
	}
}

// twice produces three records and then two to one partition by one request, and
// gives the number that were written.
func (p producer) twice(topic string) int64 {
	p.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.addr))
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(p.t.Context(), 1, 1, nil, topic); err != nil {
		p.t.Fatal(err)
	}
	p.partition = func(int) int32 { return 0 }
	for ctx := p.t.Context(); ctx.Err() == nil; { // Kafka knows of a new topic after a while
		if got := p.send(topic, 9, batchtest.Sound(0, 3), batchtest.Sound(0, 2)); len(got) > 0 && got[0].code == 0 {
			break
		}
	}
	ends, err := admin.ListEndOffsets(p.t.Context(), topic)
	if err != nil {
		p.t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	return end.Offset
}
