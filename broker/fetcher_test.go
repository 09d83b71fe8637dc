package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"axion/broker/frame/frametest"
	"axion/broker/guard"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// fetchOf asks for records of the partitions of topic "a", from these offsets on.
func fetchOf(b *Broker, version int16, offsets ...int64) *kmsg.FetchRequest {
	fetch := kmsg.NewPtrFetchRequest()
	fetch.SetVersion(version)
	fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = int32(time.Hour/time.Millisecond), 1, 50<<20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "a"
	topic.TopicID, _, _ = b.live.Topic("a")
	for i, offset := range offsets {
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = int32(i), offset, 1<<20
		topic.Partitions = append(topic.Partitions, part)
	}
	fetch.Topics = append(fetch.Topics, topic)
	return fetch
}

func ask(t *testing.T, conn net.Conn, req kmsg.Request) {
	t.Helper()
	if _, err := conn.Write(frametest.Request(req)); err != nil {
		t.Fatal(err)
	}
}

// parsed reads the next answer, which must be to req.
func parsed(t *testing.T, conn net.Conn, req kmsg.Request) kmsg.Response {
	t.Helper()
	p := answer(t, conn)
	if corr := binary.BigEndian.Uint32(p); corr != 7 {
		t.Fatalf("correlation id: got %d, want 7", corr)
	}
	resp := req.ResponseKind()
	if p = p[4:]; resp.IsFlexible() {
		p = p[1:]
	}
	if err := resp.ReadFrom(p); err != nil {
		t.Fatal(err)
	}
	return resp
}

// writeTo writes values to a partition of topic "a", a batch each.
func writeTo(t *testing.T, b *Broker, partition int32, values ...[]byte) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "a", Partition: partition, Value: v}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFetchWait: no fetch waits for long, however long it offers to.
func TestFetchWait(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	for _, version := range []int16{4, 11, 12} {
		fetch := kmsg.NewPtrFetchRequest()
		fetch.SetVersion(version)
		fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = int32(time.Hour/time.Millisecond), 1, 1<<20
		topic := kmsg.NewFetchRequestTopic()
		topic.Topic = "a"
		part := kmsg.NewFetchRequestTopicPartition()
		part.PartitionMaxBytes, part.CurrentLeaderEpoch = 1<<20, -1
		topic.Partitions = append(topic.Partitions, part)
		fetch.Topics = append(fetch.Topics, topic)
		conn := dial(t, b)
		if _, err := conn.Write(frametest.Request(fetch)); err != nil {
			t.Fatal(err)
		}
		answer(t, conn)
	}
}

// TestFetchBehind: a fetch that waits is answered once another request comes, in order
// and again and again; and it loses nothing.
func TestFetchBehind(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	for version := int16(4); version <= 18; version++ {
		conn, fetch := dial(t, b), fetchOf(b, version, 0, 0, 0)
		topics := kmsg.NewPtrMetadataRequest()
		topics.SetVersion(9)
		for range 2 {
			ask(t, conn, fetch)
			ask(t, conn, topics)
			got := parsed(t, conn, fetch).(*kmsg.FetchResponse)
			if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 3 || len(got.Topics[0].Partitions[0].RecordBatches) > 0 {
				t.Fatalf("version %d: got %+v", version, got)
			}
			if got := parsed(t, conn, topics).(*kmsg.MetadataResponse); len(got.Brokers) != 1 {
				t.Fatalf("version %d: got %+v", version, got)
			}
		}
		// Fetch upon fetch, and a request that is not looked into.
		offsets := kmsg.NewPtrListOffsetsRequest()
		offsets.SetVersion(7)
		for _, req := range []kmsg.Request{fetch, fetch, offsets} {
			ask(t, conn, req)
		}
		for _, req := range []kmsg.Request{fetch, fetch, offsets} {
			parsed(t, conn, req)
		}
		_ = conn.Close()
	}
	conn, fetch := dial(t, b), fetchOf(b, 12, 0, 0, 0)
	topics := kmsg.NewPtrMetadataRequest()
	topics.SetVersion(9)
	ask(t, conn, fetch)
	ask(t, conn, topics)
	parsed(t, conn, fetch)
	parsed(t, conn, topics)
	writeTo(t, b, 0, []byte("late")) // the first fetch still waits in kfake
	ask(t, conn, fetch)
	if got := parsed(t, conn, fetch).(*kmsg.FetchResponse); !bytes.Contains(got.Topics[0].Partitions[0].RecordBatches, []byte("late")) {
		t.Errorf("got %+v", got)
	}
}

// TestFetchMinBytes: a fetch waits for the bytes that it asks for, as long as any may.
func TestFetchMinBytes(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	conn, fetch := dial(t, b), fetchOf(b, 12, 0, 0, 0)
	fetch.MinBytes = 1000
	begun := time.Now()
	ask(t, conn, fetch)
	writeTo(t, b, 0, make([]byte, 100))
	got := parsed(t, conn, fetch).(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
	if waited := time.Since(begun); waited < guard.MaxWait {
		t.Errorf("answered %d bytes after %s", len(got), waited)
	}
	begun = time.Now()
	ask(t, conn, fetch)
	writeTo(t, b, 1, make([]byte, 2000))
	size := 0
	for _, p := range parsed(t, conn, fetch).(*kmsg.FetchResponse).Topics[0].Partitions {
		size += len(p.RecordBatches)
	}
	if waited := time.Since(begun); size < 2000 && waited < guard.MaxWait {
		t.Errorf("answered %d bytes after %s", size, waited)
	}
}

// TestFetchFull: an answer names every partition that was asked for, also where it was
// full before the last.
func TestFetchFull(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	for partition := range int32(3) {
		writeTo(t, b, partition, make([]byte, 100), make([]byte, 100))
	}
	for version := int16(7); version <= 18; version++ {
		fetch := fetchOf(b, version, 0, 0, 0)
		fetch.MaxBytes, fetch.SessionEpoch = 1, 0
		conn := dial(t, b)
		ask(t, conn, fetch)
		got := parsed(t, conn, fetch).(*kmsg.FetchResponse)
		told, size := map[int32]bool{}, 0
		for _, topic := range got.Topics {
			for _, p := range topic.Partitions {
				told[p.Partition], size = true, size+len(p.RecordBatches)
				if p.HighWatermark != 2 || p.ErrorCode != 0 {
					t.Errorf("version %d: got %+v", version, p)
				}
			}
		}
		if len(told) != 3 || size == 0 || got.SessionID != 0 {
			t.Errorf("version %d: got partitions %v, %d bytes, session %d", version, told, size, got.SessionID)
		}
		_ = conn.Close()
	}
}

// TestFetchSession: a session that a broker before this one gave is not known.
func TestFetchSession(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	fetch := fetchOf(b, 12)
	fetch.SessionID, fetch.SessionEpoch = 5, 3
	conn := dial(t, b)
	ask(t, conn, fetch)
	if got := parsed(t, conn, fetch).(*kmsg.FetchResponse); got.ErrorCode != 70 { // FETCH_SESSION_ID_NOT_FOUND
		t.Errorf("got %+v", got)
	}
}

// TestFetchMuch: what comes from the stored files is what was written, to the last
// record, with many who read, beside who writes, and where records go meanwhile.
func TestFetchMuch(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}, RetentionBytes: -1})
	const n, later = 9000, 3000
	value := func(i int) []byte { return fmt.Appendf(nil, "%d %01000d", i, i) }
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(40_000),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			client.Produce(context.Background(), &kgo.Record{Topic: "a", Partition: int32(i % 3), Value: value(i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := client.Flush(context.Background()); err != nil {
			t.Error(err)
		}
	}
	write(0, n)
	var writing sync.WaitGroup
	writing.Go(func() { write(n, n+later) })
	t.Cleanup(writing.Wait)
	for name, opts := range map[string][]kgo.Opt{
		"TCP": nil, "Memory": b.Client(), "Committed": {kgo.FetchIsolationLevel(kgo.ReadCommitted())},
		"SmallParts": {kgo.FetchMaxPartitionBytes(100_000)}, "SmallAnswers": {kgo.FetchMaxBytes(150_000)},
		"MinBytes": {kgo.FetchMinBytes(300_000)},
		"Names":    {kgo.MaxVersions(versionsUpTo(12))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader, err := kgo.NewClient(append(
				[]kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.ConsumeTopics("a"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}, opts...)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(reader.Close)
			next := [3]int{0, 1, 2}
			for got := 0; got < n+later; {
				fetches := reader.PollFetches(testContext(t))
				if err := fetches.Err(); err != nil {
					t.Fatal(err)
				}
				fetches.EachRecord(func(r *kgo.Record) {
					if want := value(next[r.Partition]); !bytes.Equal(r.Value, want) {
						t.Fatalf("got %.9s, want %.9s", r.Value, want)
					}
					next[r.Partition] += 3
					got++
				})
			}
			if name != "SmallParts" && name != "SmallAnswers" && b.files.Answered.Load() == 0 {
				t.Error("nothing came from the stored files")
			}
		})
	}
}

// versionsUpTo are those of a client that does not know a later one of Fetch.
func versionsUpTo(fetch int16) *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.Fetch), fetch)
	return v
}
