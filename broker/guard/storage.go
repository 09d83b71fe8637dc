package guard

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/retention"
)

// store notes records that are to be written, and reports whether there is room for
// them: where the disk has no room for any, they are cut out of the request, and the response says so.
func store(c *client, req frame.Request, r *kmsg.ProduceRequest) bool {
	size := 0
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			size += len(p.Records)
		}
	}
	if c.Space.Admit(size) {
		for _, topic := range r.Topics {
			name := c.Cluster.TopicName(topic.Topic, topic.TopicID)
			for _, p := range topic.Partitions {
				c.Cleaner.Appended(retention.Partition{Topic: name, ID: p.Partition}, len(p.Records))
			}
		}
		return true
	}
	if r.Acks == 0 { // as Kafka does
		c.ending = frame.Refuse("the disk takes no records, and the client waits for no answer")
	} else {
		c.onResponse(req, &unstored{version: req.Version, topics: r.Topics})
	}
	r.Topics = nil
	return false
}

// unstored completes the response to a produce of which nothing was written.
type unstored struct {
	version int16
	topics  []kmsg.ProduceRequestTopic
}

// complete implements responseHook.
func (u *unstored) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.Produce), u.version)
	if err != nil {
		return nil, err
	}
	a := resp.(*kmsg.ProduceResponse)
	reason := "the broker's disk takes no records"
	for _, t := range u.topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode, part.ErrorMessage, part.BaseOffset = p.Partition, kerr.KafkaStorageError.Code, &reason, -1
			topic.Partitions = append(topic.Partitions, part)
		}
		a.Topics = append(a.Topics, topic)
	}
	return frame.EncodeResponse(p[:body], resp), nil
}

// writesState reports the requests that have kfake write something other than
// records.
func writesState(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.OffsetCommit, kmsg.TxnOffsetCommit, kmsg.OffsetDelete, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.LeaveGroup, kmsg.DeleteGroups,
		kmsg.ConsumerGroupHeartbeat, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.EndTxn, kmsg.WriteTxnMarkers,
		kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs:
		return true
	}
	return false
}
