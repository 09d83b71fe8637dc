package broker

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestOffsetsOfTimes: kfake is not asked for times, but of compacted topics.
func TestOffsetsOfTimes(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}, Partitions: 1})
	var mu sync.Mutex
	asked := map[string]int64{}
	b.live.With(func(c *kfake.Cluster) {
		c.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			mu.Lock()
			defer mu.Unlock()
			for _, topic := range r.(*kmsg.ListOffsetsRequest).Topics {
				asked[topic.Topic] = topic.Partitions[0].Timestamp
			}
			return nil, nil, false
		})
	})
	cl := client(t, b)
	admin := kadm.NewClient(cl)
	compact := "compact"
	if _, err := admin.CreateTopic(testContext(t), 1, 1, map[string]*string{"cleanup.policy": &compact}, "c"); err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_700_000_000_000)
	for _, topic := range []string{"a", "c"} {
		for i := range 3 {
			r := &kgo.Record{Topic: topic, Key: []byte{byte(i)}, Timestamp: at.Add(time.Duration(i) * time.Second)}
			if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := admin.ListOffsetsAfterMilli(testContext(t), at.UnixMilli()+1, topic)
		if err != nil {
			t.Fatal(err)
		}
		if found := got[topic][0]; found.Offset != 1 || found.Timestamp != at.UnixMilli()+1000 || found.Err != nil {
			t.Errorf("topic %s: got %+v", topic, found)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	const latest = -1
	if asked["a"] != latest || asked["c"] != at.UnixMilli()+1 {
		t.Errorf("kfake was asked for %v", asked)
	}
}
