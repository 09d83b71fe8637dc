package dlq

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
)

// TestSwept reads letters that another client sweeps away meanwhile, and a value that
// is no longer where it was: neither waits for what does not come.
func TestSwept(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	topic := contract.DeadLetterTopic(contract.Graph)
	c, err := Open(clustertest.NewBroker(t, topic).ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if err := c.kafka.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: 0, Value: []byte("{}")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	from, until := map[int32]kgo.Offset{0: kgo.NewOffset().At(0)}, ends{0: 3}
	if letters, err := c.read(ctx, contract.Graph, from, until); err != nil || len(letters) != 3 {
		t.Errorf("before: got %d letters, %v, want 3", len(letters), err)
	}
	swept := kadm.Offsets{}
	swept.Add(kadm.Offset{Topic: topic, Partition: 0, At: 3})
	if _, err := c.admin.DeleteRecords(ctx, swept); err != nil {
		t.Fatal(err)
	}
	if letters, err := c.read(ctx, contract.Graph, from, until); err != nil || len(letters) != 0 {
		t.Errorf("after: got %d letters, %v, want none", len(letters), err)
	}
	if _, err := c.valueAt(ctx, Origin{Topic: topic, Offset: 1}); err == nil || !strings.Contains(err.Error(), "is gone from "+topic+" 0:1") {
		t.Errorf("got %v, want that the value is gone", err)
	}
}
