package recovery_test

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawBatch is a batch of one record, KEY=VALUE or VALUE.
func rawBatch(value string, attributes int16, id int64, epoch int16, sequence int32) []byte {
	key, rest, ok := strings.Cut(value, "=")
	r := kmsg.Record{Value: []byte(value)}
	if ok {
		r.Key, r.Value = []byte(key), []byte(rest)
	}
	r.Length = int32(len(r.AppendTo(nil)) - 1)
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		Magic: 2, Attributes: attributes, FirstTimestamp: now, MaxTimestamp: now, ProducerID: id, ProducerEpoch: epoch,
		FirstSequence: sequence, NumRecords: 1, Records: r.AppendTo(nil),
	}
	p := b.AppendTo(nil)
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-12))
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[21:], crc32.MakeTable(crc32.Castagnoli)))
	return p
}

// produceRaw sends a batch, and gives its offset.
func produceRaw(t *testing.T, cl *kgo.Client, partition int32, txnID *string, raw []byte) (int64, error) {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.TransactionID, req.Acks, req.TimeoutMillis, req.Version = txnID, -1, 10000, 12
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = "t"
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, raw
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := req.RequestWith(testContext(t), cl)
	if err != nil {
		t.Fatal(err)
	}
	p := answer.Topics[0].Partitions[0]
	return p.BaseOffset, kerr.ErrorForCode(p.ErrorCode)
}

// produceTxn adds a record to a transaction.
func produceTxn(t *testing.T, cl *kgo.Client, txnID string, id int64, epoch int16, partition, sequence int32) {
	t.Helper()
	if _, err := produceRaw(t, cl, partition, &txnID, rawBatch("txn", 0x10, id, epoch, sequence)); err != nil {
		t.Fatal(err)
	}
}

// idempotent gives a producer id without transactions.
func idempotent(t *testing.T, cl *kgo.Client) int64 {
	t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = -1, -1, -1
	answer, err := req.RequestWith(testContext(t), cl)
	if err != nil || answer.ErrorCode != 0 {
		t.Fatalf("got code %d, %v", answer.ErrorCode, err)
	}
	return answer.ProducerID
}
