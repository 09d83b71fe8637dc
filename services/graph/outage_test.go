package graph_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/clustertest"
	"axion/services/host/hosttest"
)

// outage is a time in which a broker drops what is produced to one topic.
type outage struct {
	over  atomic.Bool
	once  sync.Once
	first chan struct{}
}

func (o *outage) end() { o.over.Store(true) }

// wait returns once something was dropped.
func (o *outage) wait(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hosttest.Deadline)
	defer cancel()
	select {
	case <-o.first:
	case <-ctx.Done():
		t.Fatal("nothing was produced")
	}
}

func refuseProduce(t *testing.T, cluster *clustertest.Broker, topic string) *outage {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	id := topics[topic].ID
	o := &outage{first: make(chan struct{})}
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		others := slices.DeleteFunc(slices.Clone(produce.Topics), func(p kmsg.ProduceRequestTopic) bool {
			return p.Topic == topic || p.TopicID == id
		})
		if len(others) == len(produce.Topics) || o.over.Load() {
			return nil, nil, false
		}
		o.once.Do(func() { close(o.first) })
		if len(others) > 0 { // what rides along gets through: the client sends the rest again
			produce.Topics = others
			return nil, nil, false
		}
		return nil, context.DeadlineExceeded, true // the connection is cut
	})
	return o
}
