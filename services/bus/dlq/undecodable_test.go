package dlq_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"axion/broker/batch/batchtest"
	"axion/services/bus/dlq"
	"axion/services/clustertest"
	"axion/services/contract"
)

// TestBatch: a batch that could not be decoded is listed and dropped, and not replayed;
// so is one of the dead-letter topic itself.
func TestBatch(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t) // Apache Kafka takes no such batch
	s := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	bad := batchtest.Undecodable()[3].Batch
	c, err := dlq.Open(s.brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := batchtest.Send(ctx, s.producer, contract.Topic(contract.Graph), 0, bad); err != nil {
		t.Fatal(err)
	}
	if _, err := batchtest.Send(ctx, s.producer, contract.DeadLetterTopic(contract.Graph), 1, bad); err != nil {
		t.Fatal(err)
	}
	var letters []*dlq.DeadLetter
	for len(letters) < 2 && ctx.Err() == nil {
		if letters, err = c.List(ctx, contract.Graph); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range letters {
		if l.Batch == "" || l.Error == "" || !bytes.Equal(l.Value[17:], bad[17:]) {
			t.Errorf("got %+v, want the batch", l)
		}
	}
	done, err := c.Replay(ctx, letters)
	if refused, ok := errors.AsType[*dlq.BatchError](err); !ok || done != 0 || len(refused.Places) != 2 || refused.Hint() == "" {
		t.Errorf("replay: got %d, %v", done, err)
	}
	if done, err := c.Drop(ctx, letters); err != nil || done != 2 {
		t.Errorf("drop: got %d, %v", done, err)
	}
	if letters, err = c.List(ctx, contract.Graph); err != nil || len(letters) != 0 {
		t.Errorf("after the drop: got %v, %v", letters, err)
	}
}
