package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestTransactionOpen: one that is open at a kill is aborted in all its
// partitions, before anyone reads; its producer cannot go on with it.
func TestTransactionOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	at := &address{}
	at.set(p.addr)
	cl := client(t, p.addr, kgo.TransactionalID("x"), kgo.Dialer(at.dial))
	commit(t, cl, "a", "b")
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, "t", 0, "open")
	produce(t, cl, "t", 1, "open")
	p.kill()

	p = spawn(t, dir)
	for n := range int32(2) {
		if got := read(t, p.addr, "t", n, 0, kgo.ReadCommitted()); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("partition %d: got %q, want what was committed", n, got)
		}
		if got, want := ends(t, p.addr, "t", n), [3]int64{0, 5, 5}; got != want {
			t.Errorf("partition %d: got offsets %v, want %v: two records, a marker, one record, a marker", n, got, want)
		}
	}
	at.set(p.addr)
	cl.Produce(testContext(t), &kgo.Record{Topic: "t", Value: []byte("late")}, nil)
	_ = cl.Flush(testContext(t))
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err == nil {
		t.Error("the rest of the transaction was committed")
	}
	again := client(t, p.addr, kgo.TransactionalID("x"))
	commit(t, again, "c")
	for n := range int32(2) {
		if got := read(t, p.addr, "t", n, 0, kgo.ReadCommitted()); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("partition %d: got %q", n, got)
		}
	}
}

// TestTransactionOffsets: a transaction of nothing but offsets, open at a kill,
// is not committed by its producer's EndTxn after it.
func TestTransactionOffsets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	id, epoch := initProducer(t, cl, "x")
	id, epoch = endTxn(t, cl, "x", id, epoch, true, func() { stageOffset(t, cl, "x", id, epoch, "g", 0, 1) })
	stageOffset(t, cl, "x", id, epoch, "g", 0, 7)
	cl.Close()
	p.kill()
	p = spawn(t, dir)
	cl = client(t, p.addr)
	if got := committed(t, cl, "g", 0); got != 1 {
		t.Errorf("commit: got %d, want 1", got)
	}
	req := endRequest("x", id, epoch, true)
	answer, err := req.RequestWith(testContext(t), cl)
	if err != nil || answer.ErrorCode == 0 {
		t.Errorf("EndTxn: got code %d, %v, want an error: its offsets are gone", answer.ErrorCode, err)
	}
}

// TestTransactionPrepared: one whose end was asked for ends so, offsets included.
func TestTransactionPrepared(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		for _, records := range []bool{true, false} {
			t.Run(
				map[bool]string{true: "Commit", false: "Abort"}[commits]+map[bool]string{true: "Records", false: "Offsets"}[records],
				func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					p := spawn(t, dir, childDies+"=1")
					v := versions()
					if !records {
						v.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), 5) // names topics, not their ids
					}
					cl := client(t, p.addr, kgo.RequestRetries(0), kgo.MaxVersions(v))
					id, epoch := initProducer(t, cl, "x")
					if records {
						produceTxn(t, cl, "x", id, epoch, 0, 0)
						produceTxn(t, cl, "x", id, epoch, 1, 0)
					}
					stageOffset(t, cl, "x", id, epoch, "g", 0, 7)
					stageOffset(t, cl, "x", id, epoch, "g", 1, 8)
					req := endRequest("x", id, epoch, commits)
					if _, err := req.RequestWith(testContext(t), cl); err == nil {
						t.Fatal("the broker outlived it")
					}
					p.kill()
					p = spawn(t, dir)
					cl = client(t, p.addr)
					want, records0 := [2]int64{-1, -1}, []string(nil)
					if commits {
						want = [2]int64{7, 8}
					}
					if records && commits {
						records0 = []string{"txn"}
					}
					if got := [2]int64{committed(t, cl, "g", 0), committed(t, cl, "g", 1)}; got != want {
						t.Errorf("commits: got %v, want %v", got, want)
					}
					for n := range int32(2) {
						if got := read(t, p.addr, "t", n, 0, kgo.ReadCommitted()); !slices.Equal(got, records0) {
							t.Errorf("partition %d: got %q, want %q", n, got, records0)
						}
					}
					// The client asks again, as it had no answer.
					answer, err := req.RequestWith(testContext(t), cl)
					if err != nil || answer.ErrorCode != 0 || answer.ProducerEpoch != epoch+1 {
						t.Errorf(
							"EndTxn again: got code %d, epoch %d, %v, want the epoch after %d",
							answer.ErrorCode,
							answer.ProducerEpoch,
							err,
							epoch,
						)
					}
				},
			)
		}
	}
}

// TestTransactionCleanStop: one that is open at a clean stop goes on after it,
// also where a kill follows.
func TestTransactionCleanStop(t *testing.T) {
	t.Parallel()
	for _, kills := range []bool{false, true} {
		t.Run(map[bool]string{false: "Ends", true: "Killed"}[kills], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := spawn(t, dir)
			cl := client(t, p.addr)
			id, epoch := initProducer(t, cl, "x")
			produceTxn(t, cl, "x", id, epoch, 0, 0)
			stageOffset(t, cl, "x", id, epoch, "g", 0, 7)
			cl.Close()
			p.stop()
			var env []string
			if kills {
				env = append(env, childDies+"=1")
			}
			p = spawn(t, dir, env...)
			cl = client(t, p.addr, kgo.RequestRetries(0))
			if got, want := ends(t, p.addr, "t", 0), [3]int64{0, 1, 0}; got != want {
				t.Errorf("offsets: got %v, want %v: it is open still", got, want)
			}
			req := endRequest("x", id, epoch, true)
			if _, err := req.RequestWith(testContext(t), cl); kills != (err != nil) {
				t.Fatal(err)
			}
			p.kill()
			p = spawn(t, dir)
			if got := read(t, p.addr, "t", 0, 0, kgo.ReadCommitted()); !slices.Equal(got, []string{"txn"}) {
				t.Errorf("got %q", got)
			}
			if got := committed(t, client(t, p.addr), "g", 0); got != 7 {
				t.Errorf("commit: got %d, want 7", got)
			}
		})
	}
}

// commit writes the values to both partitions in one transaction.
func commit(t *testing.T, cl *kgo.Client, values ...string) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, "t", 0, values...)
	produce(t, cl, "t", 1, values...)
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

func initProducer(t *testing.T, cl *kgo.Client, txnID string) (int64, int16) {
	t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = &txnID, 60000, -1, -1
	answer, err := req.RequestWith(testContext(t), cl)
	if err = errors.Join(err, kerr.ErrorForCode(answer.ErrorCode)); err != nil {
		t.Fatal(err)
	}
	return answer.ProducerID, answer.ProducerEpoch
}

func endRequest(txnID string, id int64, epoch int16, commits bool) *kmsg.EndTxnRequest {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = txnID, id, epoch, commits
	return req
}

func endTxn(t *testing.T, cl *kgo.Client, txnID string, id int64, epoch int16, commits bool, before func()) (int64, int16) {
	t.Helper()
	before()
	answer, err := endRequest(txnID, id, epoch, commits).RequestWith(testContext(t), cl)
	if err = errors.Join(err, kerr.ErrorForCode(answer.ErrorCode)); err != nil {
		t.Fatal(err)
	}
	return answer.ProducerID, answer.ProducerEpoch
}

// stageOffset commits an offset within a transaction.
func stageOffset(t *testing.T, cl *kgo.Client, txnID string, id int64, epoch int16, group string, partition int32, offset int64) {
	t.Helper()
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = txnID, id, epoch, group, -1
	topics, err := kadm.NewClient(cl).ListTopics(testContext(t), "t")
	if err != nil {
		t.Fatal(err)
	}
	rt := kmsg.NewTxnOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = "t", topics["t"].ID
	rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	rp.Partition, rp.Offset = partition, offset
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := req.RequestWith(testContext(t), cl)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// committed is what a group has committed, or -1.
func committed(t *testing.T, cl *kgo.Client, group string, partition int32) int64 {
	t.Helper()
	offsets, err := kadm.NewClient(cl).FetchOffsets(testContext(t), group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if o, ok := offsets.Lookup("t", partition); ok {
		return o.At
	}
	return -1
}

// TestTransactionTimeout: the time of a transaction runs over a clean stop, and its
// producer is fenced where it ends meanwhile: it cannot commit the rest alone.
func TestTransactionTimeout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	id, epoch := initProducer(t, cl, "x")
	produceTxn(t, cl, "x", id, epoch, 0, 0)
	cl.Close()
	p.stop()
	// An hour later.
	path := filepath.Join(dir, "session_state.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`"txStart":"[^"]*"`)
	if !at.Match(data) {
		t.Fatalf("got %s, want a transaction", data)
	}
	earlier := fmt.Sprintf(`"txStart":%q`, time.Now().Add(-time.Hour).Format(time.RFC3339Nano))
	if err := os.WriteFile(path, at.ReplaceAll(data, []byte(earlier)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = spawn(t, dir)
	cl = client(t, p.addr)
	if got := ends(t, p.addr, "t", 0); got[2] != got[1] {
		t.Errorf("offsets: got %v, want that it is over", got)
	}
	txnID := "x"
	if _, err := produceRaw(t, cl, 0, &txnID, rawBatch("rest", 0x10, id, epoch, 1)); err == nil {
		t.Error("the rest was accepted")
	}
	if got := read(t, p.addr, "t", 0, 0, kgo.ReadCommitted()); len(got) > 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

// TestEndTxnAgain: an EndTxn whose answer a kill has taken is answered as before
// when it is sent again, and that of a transaction which was aborted since is not.
func TestEndTxnAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	a, epochA := initProducer(t, cl, "a")
	produceTxn(t, cl, "a", a, epochA, 0, 0)
	endTxn(t, cl, "a", a, epochA, true, func() {})
	b, epochB := initProducer(t, cl, "b")
	produceTxn(t, cl, "b", b, epochB, 1, 0)
	b, epochB = endTxn(t, cl, "b", b, epochB, true, func() {})
	produceTxn(t, cl, "b", b, epochB, 1, 0)
	initProducer(t, cl, "b") // aborts it
	cl.Close()
	p.kill()
	p = spawn(t, dir)
	cl = client(t, p.addr)
	if answer, err := endRequest("a", a, epochA, true).RequestWith(testContext(t), cl); err != nil || answer.ErrorCode != 0 {
		t.Errorf("the commit again: got code %d, %v", answer.ErrorCode, err)
	}
	if answer, err := endRequest("b", b, epochB, true).RequestWith(testContext(t), cl); err != nil || answer.ErrorCode == 0 {
		t.Errorf("of what was aborted: got code %d, %v, want an error", answer.ErrorCode, err)
	}
}
