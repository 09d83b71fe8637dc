package broker

import (
	"slices"
	"testing"

	"axion/broker/frame/frametest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// creating asks for a topic with a setting.
func creating(topic, name, value string) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.SetVersion(6)
	req.TimeoutMillis = 5000
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = topic, 1, 1
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = name, &value
	wanted.Configs = append(wanted.Configs, config)
	req.Topics = append(req.Topics, wanted)
	return req
}

// TestOneCorrelation: requests of one kind that a client sends at once, all by one
// correlation id, get the answers that are theirs.
func TestOneCorrelation(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	conn := dial(t, b)
	sent := []*kmsg.CreateTopicsRequest{
		creating("b", "cleanup.policy", "none"), creating("c", "cleanup.policy", "compact"), creating("d", "retention.ms", "1000"),
		creating("e", "retention.ms", "long"), creating("f", "cleanup.policy", "delete"),
	}
	var frames []byte
	for _, req := range sent {
		frames = append(frames, frametest.Request(req)...)
	}
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
	for _, req := range sent {
		resp := parsed(t, conn, req).(*kmsg.CreateTopicsResponse)
		var want int16
		if slices.Contains([]string{"b", "e"}, req.Topics[0].Topic) {
			want = kerr.InvalidConfig.Code
		}
		if len(resp.Topics) != 1 || resp.Topics[0].Topic != req.Topics[0].Topic || resp.Topics[0].ErrorCode != want {
			t.Errorf("of %s: got %+v, want error %d", req.Topics[0].Topic, resp.Topics, want)
		}
	}
}

// TestOneCorrelationOrder: a fetch behind other requests by its correlation id is
// answered after them.
func TestOneCorrelationOrder(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	writeTo(t, b, 0, []byte("one"))
	conn := dial(t, b)
	fetch, heartbeat := fetchOf(b, 12, 0), kmsg.NewPtrHeartbeatRequest()
	heartbeat.SetVersion(0)
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.SetVersion(9)
	for range 30 {
		sent := []kmsg.Request{heartbeat, metadata, heartbeat, fetch, metadata, fetch, heartbeat}
		var frames []byte
		for _, req := range sent {
			frames = append(frames, frametest.Request(req)...)
		}
		if _, err := conn.Write(frames); err != nil {
			t.Fatal(err)
		}
		for _, req := range sent {
			parsed(t, conn, req)
		}
	}
}
