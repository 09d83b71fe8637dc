package conformance_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// signed is a batch with its length and checksum right.
func signed(b kmsg.RecordBatch) []byte {
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// fill gives a broker topics, records, groups of each kind and a transaction, and
// returns the topics' ids.
func fill(t *testing.T, c conn) map[string][16]byte {
	t.Helper()
	create := newest(kmsg.NewPtrCreateTopicsRequest(), func(r *kmsg.CreateTopicsRequest) {
		r.TimeoutMillis = 10000
		for _, name := range []string{"full", "empty"} {
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 3, 1
			r.Topics = append(r.Topics, topic)
		}
	})
	ids := make(map[string][16]byte)
	for _, topic := range ask[*kmsg.CreateTopicsResponse](c, create).Topics {
		ids[topic.Topic] = topic.TopicID
	}
	produce := kmsg.NewPtrProduceRequest()
	produce.Version, produce.Acks, produce.TimeoutMillis = 9, -1, 1000
	topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	part.Records = batch(time.Now())
	topic.Topic, topic.Partitions = "full", append(topic.Partitions, part)
	produce.Topics = append(produce.Topics, topic)
	for written := 0; written < 5; {
		if ask[*kmsg.ProduceResponse](c, produce).Topics[0].Partitions[0].ErrorCode == 0 {
			written++
		} else {
			time.Sleep(20 * time.Millisecond) // Apache Kafka's broker does not know yet that it leads
		}
	}
	fillGroups(t, c)
	return ids
}

func fillGroups(t *testing.T, c conn) {
	t.Helper()
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Version, commit.Group, commit.Generation = 9, "committed", -1
	topic, part := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	part.Offset = 3
	topic.Topic, topic.Partitions = "full", append(topic.Partitions, part)
	commit.Topics = append(commit.Topics, topic)
	for code := int16(-1); code != 0; {
		code = ask[*kmsg.OffsetCommitResponse](c, commit).Topics[0].Partitions[0].ErrorCode
		if code != 0 {
			time.Sleep(500 * time.Millisecond)
			find := kmsg.NewPtrFindCoordinatorRequest()
			find.CoordinatorKey = "committed"
			c.send(find)
		}
	}
	join := kmsg.NewPtrJoinGroupRequest()
	join.Version, join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 3, "classic", "consumer", 60000,
		60000
	join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}
	joined := ask[*kmsg.JoinGroupResponse](c, join)
	if joined.ErrorCode != 0 {
		t.Fatalf("join: error %d", joined.ErrorCode)
	}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Version, sync.Group, sync.Generation, sync.MemberID = 3, "classic", joined.Generation, joined.MemberID
	c.send(sync)
	modern := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	modern.Version, modern.Group, modern.MemberID, modern.RebalanceTimeoutMillis = 1, "modern", "AAAAAAAAAAAAAAAAAAAAAg", 60000
	modern.SubscribedTopicNames, modern.Topics = []string{"full"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if r := ask[*kmsg.ConsumerGroupHeartbeatResponse](c, modern); r.ErrorCode != 0 {
		t.Fatalf("heartbeat: error %d", r.ErrorCode)
	}
	share := kmsg.NewPtrShareGroupHeartbeatRequest()
	share.Version, share.GroupID, share.MemberID, share.SubscribedTopicNames = 1, "share", "AAAAAAAAAAAAAAAAAAAAAQ", []string{"full"}
	if r := ask[*kmsg.ShareGroupHeartbeatResponse](c, share); r.ErrorCode != 0 {
		t.Fatalf("share heartbeat: error %d", r.ErrorCode)
	}
}
