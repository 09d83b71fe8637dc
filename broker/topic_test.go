package broker

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
	"axion/broker/frame/frametest"
)

// metadata asks for topics, as a client that creates them by naming them.
func metadata(t *testing.T, cl *kgo.Client, create bool, names ...string) map[string]*kmsg.MetadataResponseTopic {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = create
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(testContext(t), cl)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]*kmsg.MetadataResponseTopic)
	for i := range resp.Topics {
		got[*resp.Topics[i].Topic] = &resp.Topics[i]
	}
	return got
}

func TestAutoCreate(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Partitions: 2})
	cl := client(t, b)
	long := strings.Repeat("x", 250)

	t.Run("OK", func(t *testing.T) {
		got := metadata(t, cl, true, "new.one", "other")
		for _, name := range []string{"new.one", "other"} {
			if topic := got[name]; topic == nil || topic.ErrorCode != 0 || len(topic.Partitions) != 2 {
				t.Errorf("%s: got %+v, want 2 partitions", name, topic)
			}
		}
	})
	t.Run("ErrNotAllowed", func(t *testing.T) {
		if got := metadata(t, cl, false, "absent")["absent"].ErrorCode; got != kerr.UnknownTopicOrPartition.Code {
			t.Errorf("got %v, want an unknown topic", kerr.ErrorForCode(got))
		}
	})
	for _, create := range []bool{true, false} {
		t.Run(map[bool]string{true: "ErrName", false: "ErrNameOnly"}[create], func(t *testing.T) {
			got := metadata(t, cl, create, "no spaces", "..", "", long, "other")
			for _, name := range []string{"no spaces", "..", "", long} {
				if code := got[name].ErrorCode; code != kerr.InvalidTopicException.Code {
					t.Errorf("%q: got %v, want an invalid topic", name, kerr.ErrorForCode(code))
				}
			}
			if topic := got["other"]; topic.ErrorCode != 0 || len(topic.Partitions) != 2 {
				t.Errorf("other: got %+v, want it unharmed", topic)
			}
		})
	}
	t.Run("ErrCollision", func(t *testing.T) {
		if got := metadata(t, cl, true, "new_one")["new_one"].ErrorCode; got != kerr.InvalidTopicException.Code {
			t.Errorf("got %v, want an invalid topic", kerr.ErrorForCode(got))
		}
	})
	topics, err := b.Admin().Topics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != 2 {
		t.Errorf("got topics %+v, want new.one and other", topics)
	}
}

// TestAutoCreateOld: the oldest metadata requests always create.
func TestAutoCreateOld(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	name := "old"
	req := &kmsg.MetadataRequest{Version: 1, Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}}
	conn := dial(t, b)
	if _, err := conn.Write(frametest.Request(req)); err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(1)
	if err := resp.ReadFrom(answer(t, conn)[4:]); err != nil {
		t.Fatal(err)
	}
	if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 0 || len(resp.Topics[0].Partitions) != 3 {
		t.Errorf("got %+v, want a topic of 3 partitions", resp.Topics)
	}
}

func TestCreateTopics(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	adm := kadm.NewClient(client(t, b))
	create := func(t *testing.T, partitions int32, names ...string) kadm.CreateTopicResponses {
		t.Helper()
		got, err := adm.CreateTopics(testContext(t), partitions, -1, nil, names...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := create(t, 5, "good", "bad name", "..")
	if topic := got["good"]; topic.Err != nil || topic.NumPartitions != 5 {
		t.Errorf("good: got %+v", topic)
	}
	for _, name := range []string{"bad name", ".."} {
		if err := got[name].Err; !errors.Is(err, kerr.InvalidTopicException) {
			t.Errorf("%s: got %v, want an invalid topic", name, err)
		}
	}
	many := create(t, admin.MaxPartitions+1, "many")["many"]
	if !errors.Is(many.Err, kerr.InvalidPartitions) || !strings.Contains(many.ErrMessage, "1000") {
		t.Errorf("many: got %v %q, want too many partitions", many.Err, many.ErrMessage)
	}
	grown, err := adm.UpdatePartitions(testContext(t), admin.MaxPartitions+1, "good")
	if err != nil {
		t.Fatal(err)
	}
	if err := grown["good"].Err; !errors.Is(err, kerr.InvalidPartitions) {
		t.Errorf("grow: got %v, want too many partitions", err)
	}
	if grown, err = adm.UpdatePartitions(testContext(t), 6, "good"); err != nil || grown["good"].Err != nil {
		t.Errorf("grow: got %v, %v", err, grown["good"].Err)
	}
	topics, err := b.Admin().Topics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != 1 || len(topics[0].Partitions) != 6 {
		t.Errorf("got %+v, want one topic of 6 partitions", topics)
	}
}

// TestUnknownIDs: a producer may outlive its topics, which it knows by id
// where the broker lets it: two such ids must not end the broker.
func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a", "b"}})
	cl := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(0))
	produce(t, cl, "a", 1, 1)
	produce(t, cl, "b", 1, 1)
	if _, err := b.Admin().Kadm().DeleteTopics(testContext(t), "a", "b"); err != nil {
		t.Fatal(err)
	}
	results := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "a"}, &kgo.Record{Topic: "b"})
	if err := results.FirstErr(); err == nil {
		t.Error("records of deleted topics were taken")
	}
	if err := b.Healthy(testContext(t)); err != nil {
		t.Error(err)
	}
}
