package guard

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/live"
	"axion/broker/segment"
)

// The times of a ListOffsets that are none.
const (
	latestOffset      = -1
	greatestTimestamp = -3 // KIP-734
	// greatestVersion is the first version with that.
	greatestVersion = 7
)

// topicPartition names one.
type topicPartition struct {
	topic     string
	partition int32
}

// listOffsets has the guard answer where a time is: kfake (v0.0.0-20260918054303)
// decompresses the batch in question, up to 128 MiB, in the one loop that carries out all
// requests. In place of that kfake is asked for the latest offset, which any answer is
// below, and looks at the rest of the request.
func listOffsets(c *client, req frame.Request, f []byte, r *kmsg.ListOffsetsRequest) []byte {
	times := make(map[topicPartition]int64)
	for i := range r.Topics {
		t := &r.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if r.Version < 1 || p.Timestamp < 0 && (p.Timestamp != greatestTimestamp || r.Version < greatestVersion) ||
				!isAppendOnly(c.Cluster, t.Topic) {
				continue
			}
			times[topicPartition{t.Topic, p.Partition}], p.Timestamp = p.Timestamp, latestOffset
		}
	}
	if len(times) == 0 {
		return f
	}
	c.onResponse(req, &timed{deps: c.Deps, version: req.Version, times: times})
	return frame.Encode(f[:req.Body], r)
}

// isAppendOnly reports whether a topic's files are only added to and removed.
func isAppendOnly(cluster *live.Cluster, topic string) bool {
	compacted, ok := cluster.IsCompacted(topic)
	return ok && !compacted
}

// timed completes the response to a ListOffsets by time.
type timed struct {
	deps    *Deps
	version int16
	times   map[topicPartition]int64
}

// complete implements responseHook.
func (c *timed) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.ListOffsets), c.version)
	if err != nil {
		return nil, err
	}
	a := resp.(*kmsg.ListOffsetsResponse)
	for i := range a.Topics {
		t := &a.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if at, ok := c.times[topicPartition{t.Topic, p.Partition}]; ok && p.ErrorCode == 0 {
				c.find(t.Topic, p, at)
			}
		}
	}
	return frame.EncodeResponse(p[:body], a), nil
}

// find puts the record of a time in place of the latest offset.
func (c *timed) find(topic string, p *kmsg.ListOffsetsResponseTopicPartition, at int64) {
	end := p.Offset
	p.Offset, p.Timestamp, p.LeaderEpoch = -1, -1, -1
	partition, start := segment.Partition{Topic: topic, Partition: p.Partition}, int64(0)
	c.deps.Cluster.With(func(cluster *kfake.Cluster) {
		if info := cluster.TopicInfo(topic); info != nil {
			partition.ID = info.TopicID
		}
		if info := cluster.PartitionInfo(topic, p.Partition); info != nil {
			start = info.LogStartOffset
		}
	})
	if at == greatestTimestamp {
		at = segment.Greatest
	}
	found, ok, err := c.deps.Files.Store.FindTime(partition, at, start)
	if err != nil {
		// A file that was removed meanwhile is not met again.
		found, ok, err = c.deps.Files.Store.FindTime(partition, at, start)
	}
	switch {
	case err != nil:
		c.deps.Log.Warn("broker: cannot find where a time is", "topic", topic, "partition", p.Partition, "error", err)
		p.ErrorCode = kerr.CorruptMessage.Code
	case ok && found.Offset < end:
		p.Offset, p.Timestamp, p.LeaderEpoch = found.Offset, found.Timestamp, found.Epoch
	}
}
