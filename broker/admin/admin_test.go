package admin_test

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"axion/broker"
	"axion/broker/admin"
	"axion/broker/brokertest"
	"axion/web/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTopics(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, broker.Options{Topics: []string{"a", "b"}})
	a, err := admin.New([]string{b.Addr()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	brokertest.Produce(t, brokertest.Client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 2, 5)
	brokertest.DeleteBefore(t, b, "a", 0, 3)
	got, err := a.Topics(brokertest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []admin.Topic{
		{Name: "a", Messages: 7, Partitions: []view.Partition{{ID: 0, Start: 3, End: 5}, {ID: 1, End: 5}, {ID: 2}}},
		{Name: "b", Partitions: []view.Partition{{ID: 0}, {ID: 1}, {ID: 2}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text, err := json.Marshal(got[0])
	if err != nil {
		t.Fatal(err)
	}
	const wantText = `{"name":"a","messages":7,"partitions":[{"id":0,"start":3,"end":5},{"id":1,"start":0,"end":5},{"id":2,"start":0,"end":0}]}`
	if string(text) != wantText {
		t.Errorf("got %s, want %s", text, wantText)
	}

	if err := a.Create(brokertest.Context(t), 1, "b", "c"); err != nil {
		t.Fatal(err)
	}
	if got, err = a.Topics(brokertest.Context(t)); err != nil || len(got) != 3 || len(got[2].Partitions) != 1 {
		t.Errorf("got %+v, %v, want c of one partition besides", got, err)
	}
}

func TestTopicsErr(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // so that no one is there
	a, err := admin.New([]string{addr}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"Ping":   func() error { return a.Ping(ctx) },
		"Topics": func() error { _, err := a.Topics(ctx); return err },
		"Groups": func() error { _, err := a.Groups().List(ctx); return err },
		"Create": func() error { return a.Create(ctx, 1, "a") },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{
		"Classic": kgo.Balancers(kgo.RoundRobinBalancer()),
		"Modern":  kgo.ServerSideBalancer(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, broker.Options{Topics: []string{"a"}})
			if got, err := b.Admin().Groups().List(brokertest.Context(t)); err != nil || got == nil || len(got) != 0 {
				t.Errorf("got %+v, %v, want an empty list", got, err)
			}
			producer := brokertest.Client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
			brokertest.Produce(t, producer, "a", 3, 5)
			consumer := brokertest.Client(t, b, protocol, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
			brokertest.Consume(t, consumer, 15)
			if err := consumer.CommitUncommittedOffsets(brokertest.Context(t)); err != nil {
				t.Fatal(err)
			}
			brokertest.Produce(t, producer, "a", 2, 4)
			want := admin.Group{Name: "g", State: "Stable", Members: 1, Lag: map[string]int64{"a": 8}}
			if got := groupOf(t, b, "g"); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			consumer.Close()
			want.State, want.Members = "Empty", 0
			brokertest.Eventually(t, "an empty group with its lag", func() bool { return reflect.DeepEqual(groupOf(t, b, "g"), want) })
		})
	}
}

// groupOf is the group of that name, or an empty one.
func groupOf(t *testing.T, b *broker.Broker, name string) admin.Group {
	t.Helper()
	groups, err := b.Admin().Groups().List(brokertest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if g.Name == name {
			return g
		}
	}
	return admin.Group{}
}

func TestCheckTopicName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "graph-service.create_project": true, "A1": true, "...": true,
		strings.Repeat("x", 249): true,
		"":                       false, ".": false, "..": false, "a b": false, "a/b": false, "é": false, "a\x00": false,
		strings.Repeat("x", 250): false,
	} {
		if err := admin.CheckTopicName(name); (err == nil) != ok {
			t.Errorf("%q: got %v, want legal: %v", name, err, ok)
		}
	}
}

// TestRegisterMetrics reads what a topic holds and how far a group has come.
func TestRegisterMetrics(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, broker.Options{Topics: []string{"a"}})
	reader := sdkmetric.NewManualReader()
	if err := b.Admin().RegisterMetrics(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))); err != nil {
		t.Fatal(err)
	}
	producer := brokertest.Client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	brokertest.Produce(t, producer, "a", 3, 5)
	consumer := brokertest.Client(t, b, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	brokertest.Consume(t, consumer, 15)
	if err := consumer.CommitUncommittedOffsets(brokertest.Context(t)); err != nil {
		t.Fatal(err)
	}
	brokertest.Produce(t, producer, "a", 2, 4)
	brokertest.DeleteBefore(t, b, "a", 0, 3)
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range read.ScopeMetrics {
		for _, m := range scope.Metrics {
			var points []metricdata.DataPoint[int64]
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				points = data.DataPoints
			case metricdata.Sum[int64]:
				points = data.DataPoints
			}
			for _, p := range points {
				got[m.Name] += p.Value
			}
		}
	}
	if got["kafka.topic.size"] == 0 {
		t.Error("the topic takes no bytes")
	}
	delete(got, "kafka.topic.size")
	want := map[string]int64{
		"kafka.topic.partitions": 3, "kafka.topic.messages": 23, "kafka.topic.kept": 20,
		"kafka.consumer_group.members": 1, "kafka.consumer_group.lag_sum": 8, "kafka.consumer_group.offset_sum": 15,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
