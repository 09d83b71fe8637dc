package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics, each of so many partitions.
const (
	plainTopic = "plain"  // what the idempotent producers write
	copyTopic  = "copies" // what the copiers make of it
	txnTopic   = "transactions"
	partitions = 6
)

// The groups.
const (
	readGroup   = "read"   // by the classic protocol
	modernGroup = "modern" // by that of KIP-848
	copyGroup   = "copy"   // commits by transactions
	simpleGroup = "simple" // has no members
)

// maxPadding has some batches span pages of the file cache, where a write that is
// killed can end.
const maxPadding = 12 << 10

// padding fills a record: most of them little.
func padding(rng *rand.Rand) string {
	n := rng.IntN(120)
	if rng.IntN(50) == 0 {
		n = rng.IntN(maxPadding)
	}
	return strings.Repeat("x", n)
}

// plainRecord is a producer's record number seq in a partition.
func plainRecord(rng *rand.Rand, producer int, partition int32, seq int64) *kgo.Record {
	return &kgo.Record{
		Topic: plainTopic, Partition: partition,
		Key: fmt.Appendf(nil, "p%d", producer), Value: fmt.Appendf(nil, "%d %s", seq, padding(rng)),
	}
}

// plainOf reads one.
func plainOf(r *kgo.Record) (producer int, seq int64, err error) {
	if len(r.Key) < 2 || r.Key[0] != 'p' {
		return 0, 0, fmt.Errorf("%s: a key that nobody wrote: %q", at(r), r.Key)
	}
	if producer, err = strconv.Atoi(string(r.Key[1:])); err != nil {
		return 0, 0, fmt.Errorf("%s: a key that nobody wrote: %q", at(r), r.Key)
	}
	text, _, _ := cutValue(r.Value)
	if seq, err = strconv.ParseInt(string(text), 10, 64); err != nil {
		return 0, 0, fmt.Errorf("%s: a value that nobody wrote: %.40q", at(r), r.Value)
	}
	return producer, seq, nil
}

// cutValue takes the padding away.
func cutValue(value []byte) (text, padding []byte, found bool) { return bytes.Cut(value, []byte(" ")) }

// txnRecord is record i of a transaction.
func txnRecord(rng *rand.Rand, producer, txn, i int, partition int32) *kgo.Record {
	return &kgo.Record{
		Topic: txnTopic, Partition: partition,
		Key: fmt.Appendf(nil, "t%d", producer), Value: fmt.Appendf(nil, "%d %d %s", txn, i, padding(rng)),
	}
}

// txnOf reads one.
func txnOf(r *kgo.Record) (txn, i int, err error) {
	if _, err = fmt.Sscanf(string(r.Value), "%d %d ", &txn, &i); err != nil {
		return 0, 0, fmt.Errorf("%s: a value that nobody wrote: %.40q", at(r), r.Value)
	}
	return txn, i, nil
}

// endKey is that of the last record of a partition: consumers commit no offset behind
// the marker of a transaction, so that it shows that they have read all.
const endKey = "end"

func endRecord(topic string, partition int32) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(endKey)}
}

// at says where a record is, and whose.
func at(r *kgo.Record) string {
	return fmt.Sprintf("%s-%d at %d (producer id %d, epoch %d)", r.Topic, r.Partition, r.Offset, r.ProducerID, r.ProducerEpoch)
}
