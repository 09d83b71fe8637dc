package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
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
// requests. In place of it kfake is asked for the latest offset, which any answer is
// below, and looks at the rest of the request.
func (g *guardedConn) listOffsets(req request, frame []byte, r *kmsg.ListOffsetsRequest) []byte {
	times := make(map[topicPartition]int64)
	for i := range r.Topics {
		t := &r.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if r.Version < 1 || p.Timestamp < 0 && (p.Timestamp != greatestTimestamp || r.Version < greatestVersion) ||
				!g.listener.broker.isAppendOnly(t.Topic) {
				continue
			}
			times[topicPartition{t.Topic, p.Partition}], p.Timestamp = p.Timestamp, latestOffset
		}
	}
	if len(times) == 0 {
		return frame
	}
	g.onResponse(req, &timed{broker: g.listener.broker, version: req.version, times: times})
	return framed(frame[:req.body], r)
}

// isAppendOnly reports whether a topic's files are only added to and removed.
func (b *Broker) isAppendOnly(topic string) (keeps bool) {
	b.withCluster(func(c *kfake.Cluster) {
		info := c.TopicInfo(topic)
		keeps = info != nil && !retention.Compacted(info.Configs)
	})
	return keeps
}

// timed completes the answer to a ListOffsets by time.
type timed struct {
	broker  *Broker
	version int16
	times   map[topicPartition]int64
}

// complete implements responseHook.
func (c *timed) complete(p []byte) ([]byte, error) {
	resp, body, err := decodeResponse(p, int16(kmsg.ListOffsets), c.version)
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
	return encodeResponse(p[:body], a), nil
}

// find puts the record of a time in place of the latest offset.
func (c *timed) find(topic string, p *kmsg.ListOffsetsResponseTopicPartition, at int64) {
	end := p.Offset
	p.Offset, p.Timestamp, p.LeaderEpoch = -1, -1, -1
	partition, start := segment.Partition{Topic: topic, Partition: p.Partition}, int64(0)
	c.broker.withCluster(func(cluster *kfake.Cluster) {
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
	found, ok, err := c.broker.bulk.store.FindTime(partition, at, start)
	if err != nil {
		// A file that was removed meanwhile is not met again.
		found, ok, err = c.broker.bulk.store.FindTime(partition, at, start)
	}
	switch {
	case err != nil:
		c.broker.log.Warn("broker: cannot tell where a time is", "topic", topic, "partition", p.Partition, "error", err)
		p.ErrorCode = kerr.CorruptMessage.Code
	case ok && found.Offset < end:
		p.Offset, p.Timestamp, p.LeaderEpoch = found.Offset, found.Timestamp, found.Epoch
	}
}
