// Package fetch answers fetches in place of kfake: those that wait for nothing by the
// partitions as they are, those of much by the stored files.
package fetch

import (
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/segment"
)

// Partition is a partition of a fetch, as it is now.
type Partition struct {
	topic  *kfake.TopicInfo
	info   *kfake.PartitionInfo
	fetch  kmsg.FetchRequestTopicPartition
	at     segment.Partition
	stored []byte
}

// Look finds the partitions of a fetch. It is not ok where one is not as the client
// thinks.
func Look(c *kfake.Cluster, r *kmsg.FetchRequest) ([]Partition, bool) {
	var list []Partition
	for _, t := range r.Topics {
		var topic *kfake.TopicInfo
		if r.Version >= 13 {
			topic = c.TopicIDInfo(t.TopicID)
		} else {
			topic = c.TopicInfo(t.Topic)
		}
		if topic == nil {
			return nil, false
		}
		all := c.PartitionInfos(topic.Topic) // in the order of their numbers, from 0
		for _, p := range t.Partitions {
			if p.Partition < 0 || int(p.Partition) >= len(all) {
				return nil, false
			}
			info := all[p.Partition]
			if p.CurrentLeaderEpoch != -1 && p.CurrentLeaderEpoch != info.Epoch ||
				p.FetchOffset < info.LogStartOffset || p.FetchOffset > info.HighWatermark {
				return nil, false
			}
			list = append(list, Partition{topic: topic, info: info, fetch: p,
				at: segment.Partition{Topic: topic.Topic, ID: topic.TopicID, Partition: p.Partition}})
		}
	}
	return list, true
}

// Answer is the response of what was read of partitions, in the order in which they were
// asked for.
func Answer(correlation int32, r *kmsg.FetchRequest, list []Partition) *segment.Answer {
	a := &segment.Answer{Version: r.Version, Correlation: correlation, Committed: r.IsolationLevel == 1}
	for _, t := range r.Topics {
		topic := segment.Topic{Name: t.Topic, ID: t.TopicID}
		for range t.Partitions {
			at := list[0]
			list = list[1:]
			topic.Partitions = append(topic.Partitions, segment.Portion{Partition: at.info.Partition, HighWatermark: at.info.HighWatermark,
				Stable: at.info.LastStableOffset, Oldest: at.info.LogStartOffset, Batches: at.stored})
		}
		a.Topics = append(a.Topics, topic)
	}
	return a
}

// end is the offset up to which a fetch may see records.
func (p Partition) end(r *kmsg.FetchRequest) int64 {
	if r.IsolationLevel == 1 {
		return p.info.LastStableOffset
	}
	return p.info.HighWatermark
}
