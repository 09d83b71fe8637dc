package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// store notes records that are to be written, and reports whether there is room for
// them: where the disk takes none, it takes them out of the request, and the answer says so.
func (g *guardedConn) store(req request, r *kmsg.ProduceRequest) bool {
	b := g.listener.broker
	size := 0
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			size += len(p.Records)
		}
	}
	if b.space.Admit(size) {
		for _, topic := range r.Topics {
			name := b.topicNames.of(b, topic.Topic, topic.TopicID)
			for _, p := range topic.Partitions {
				b.cleaner.Appended(retention.Partition{Topic: name, ID: p.Partition}, len(p.Records))
			}
		}
		return true
	}
	if r.Acks == 0 { // as Kafka does
		g.ending = refusef("the disk takes no records, and the client waits for no answer")
	} else {
		g.onResponse(req, &unstored{version: req.version, topics: r.Topics})
	}
	r.Topics = nil
	return false
}

// unstored completes the answer to a produce of which nothing was written.
type unstored struct {
	version int16
	topics  []kmsg.ProduceRequestTopic
}

// complete implements responseHook.
func (u *unstored) complete(p []byte) ([]byte, error) {
	answer, body, err := decodeResponse(p, int16(kmsg.Produce), u.version)
	if err != nil {
		return nil, err
	}
	resp := answer.(*kmsg.ProduceResponse)
	reason := "the broker's disk takes no records"
	for _, t := range u.topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode, part.ErrorMessage, part.BaseOffset = p.Partition, kerr.KafkaStorageError.Code, &reason, -1
			topic.Partitions = append(topic.Partitions, part)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return encodeResponse(p[:body], resp), nil
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

// configure renames what a request sets or asks for of the settings that
// retention follows.
// It reports whether it changed the request.
func (g *guardedConn) configure(req request, frame []byte, r kmsg.Request) bool {
	if req.client(frame) == retention.ClientID {
		return false
	}
	b := g.listener.broker
	names := b.options.names()
	switch r := r.(type) {
	case *kmsg.DescribeConfigsRequest:
		g.onResponse(req, described{req.version, names.Ask(r)})
		return true
	case *kmsg.AlterConfigsRequest:
		for _, resource := range r.Resources {
			b.reconfigured(resource.ResourceType, resource.ResourceName)
		}
	case *kmsg.IncrementalAlterConfigsRequest:
		for _, resource := range r.Resources {
			b.reconfigured(resource.ResourceType, resource.ResourceName)
		}
	case *kmsg.DeleteTopicsRequest:
		b.cleaner.Touched(r.TopicNames...)
		for _, topic := range r.Topics {
			if topic.Topic == nil { // named by its id
				b.cleaner.Touched()
			} else {
				b.cleaner.Touched(*topic.Topic)
			}
		}
	}
	return names.Hide(r)
}

// reconfigured notes that settings change.
func (b *Broker) reconfigured(kind kmsg.ConfigResourceType, name string) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		b.cleaner.Touched(name)
	case kmsg.ConfigResourceTypeBroker:
		b.cleaner.Touched()
	}
}

// described completes the answer to a DescribeConfigs.
type described struct {
	version     int16
	description *retention.Description
}

// complete implements responseHook.
func (d described) complete(p []byte) ([]byte, error) {
	answer, body, err := decodeResponse(p, int16(kmsg.DescribeConfigs), d.version)
	if err != nil {
		return nil, err
	}
	d.description.Reveal(answer.(*kmsg.DescribeConfigsResponse))
	return encodeResponse(p[:body], answer), nil
}

// fullError says that there is no room for the broker's state.
type fullError struct{ dir string }

func (e *fullError) Error() string { return "the disk of " + e.dir + " is full" }

// Hint is the hint shown with the error.
func (e *fullError) Hint() string { return "free some room, or use another disk by --data DIR" }
