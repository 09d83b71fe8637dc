package conformance_test

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// requests are one or more of each kind that the broker answers, about what [fill]
// has put into it, or would have.
func requests(ids map[string][16]byte) []kmsg.Request {
	id := ids["full"]
	var all []kmsg.Request
	add := func(reqs ...kmsg.Request) { all = append(all, reqs...) }
	add(topicRequests(id)...)
	add(recordRequests(id)...)
	add(groupRequests(id)...)
	add(shareRequests(id)...)
	add(configRequests()...)
	add(clusterRequests()...)
	add(transactionRequests()...)
	return all
}

func topicRequests(id [16]byte) []kmsg.Request {
	name := func(s string) *string { return &s }
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{{Topic: name("full")}, {Topic: name("none")}}
	metadata.IncludeTopicAuthorizedOperations, metadata.IncludeClusterAuthorizedOperations = true, true
	byID := kmsg.NewPtrMetadataRequest()
	byID.Topics = []kmsg.MetadataRequestTopic{{TopicID: id}, {TopicID: [16]byte{1}}}
	everything := kmsg.NewPtrMetadataRequest()

	create := kmsg.NewPtrCreateTopicsRequest()
	create.ValidateOnly = true
	for _, topic := range []string{"fresh", "full", "bad/name"} {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 2, 1
		t.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms", Value: name("1000000")}}
		create.Topics = append(create.Topics, t)
	}
	remove := kmsg.NewPtrDeleteTopicsRequest()
	remove.TopicNames = []string{"none"}
	remove.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: name("none")}, {TopicID: [16]byte{1}}}
	grow := kmsg.NewPtrCreatePartitionsRequest()
	grow.ValidateOnly = true
	grow.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "full", Count: 9}, {Topic: "none", Count: 9}, {Topic: "empty", Count: 1}}
	describe := kmsg.NewPtrDescribeTopicPartitionsRequest()
	describe.ResponsePartitionLimit = 2
	describe.Topics = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "full"}, {Topic: "none"}, {Topic: "empty"}}
	return []kmsg.Request{metadata, byID, everything, create, remove, grow, describe}
}

// batch is a record batch as a producer sends it.
func batch(at time.Time) []byte {
	b := kmsg.NewRecordBatch()
	b.Magic, b.PartitionLeaderEpoch, b.ProducerID, b.ProducerEpoch, b.FirstSequence = 2, -1, -1, -1, -1
	b.FirstTimestamp, b.MaxTimestamp, b.NumRecords = at.UnixMilli(), at.UnixMilli(), 1
	record := kmsg.NewRecord()
	record.Key, record.Value = []byte("k"), []byte("v")
	record.Length = int32(len(record.AppendTo(nil)) - 1) // a length of one byte
	b.Records = record.AppendTo(nil)
	return signed(b)
}

func recordRequests(id [16]byte) []kmsg.Request {
	produce := kmsg.NewPtrProduceRequest()
	produce.Acks, produce.TimeoutMillis = -1, 1000
	for _, name := range []string{"full", "none"} {
		topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		part.Partition, part.Records = 1, batch(time.Now())
		topic.Topic, topic.TopicID, topic.Partitions = name, id, append(topic.Partitions, part)
		produce.Topics = append(produce.Topics, topic)
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.MaxBytes, fetch.IsolationLevel, fetch.SessionEpoch = 1<<20, 1, -1
	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID, list.IsolationLevel = -1, 1
	for _, name := range []string{"full", "none"} {
		topic, asked := kmsg.NewFetchRequestTopic(), kmsg.NewListOffsetsRequestTopic()
		topic.Topic, topic.TopicID, asked.Topic = name, id, name
		if name == "none" {
			topic.TopicID = [16]byte{1}
		}
		for _, partition := range []int32{0, 2, 9} {
			part, of := kmsg.NewFetchRequestTopicPartition(), kmsg.NewListOffsetsRequestTopicPartition()
			part.Partition, part.PartitionMaxBytes = partition, 1<<20
			of.Partition, of.Timestamp, of.MaxNumOffsets = partition, -2, 1
			topic.Partitions, asked.Partitions = append(topic.Partitions, part), append(asked.Partitions, of)
		}
		fetch.Topics, list.Topics = append(fetch.Topics, topic), append(list.Topics, asked)
	}
	remove := kmsg.NewPtrDeleteRecordsRequest()
	remove.TimeoutMillis = 1000
	remove.Topics = []kmsg.DeleteRecordsRequestTopic{
		{Topic: "full", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 0}, {Partition: 9, Offset: 0}}},
		{Topic: "none", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 0}}},
	}
	epoch := kmsg.NewPtrOffsetForLeaderEpochRequest()
	for _, name := range []string{"full", "none"} {
		topic, part := kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		topic.Topic, topic.Partitions = name, append(topic.Partitions, part)
		epoch.Topics = append(epoch.Topics, topic)
	}
	return []kmsg.Request{produce, fetch, list, remove, epoch}
}

func groupRequests(id [16]byte) []kmsg.Request {
	var all []kmsg.Request
	for _, group := range []string{"classic", "modern", "committed", "none"} {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey, find.CoordinatorKeys = group, []string{group, "none"}
		fetch, whole := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewPtrOffsetFetchRequest()
		fetch.Group, whole.Group = group, group
		fetch.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "full", Partitions: []int32{0, 1, 2}}}
		asked := kmsg.NewOffsetFetchRequestGroup()
		asked.Group = group
		whole.Groups = append(whole.Groups, asked)
		asked.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "full", TopicID: id, Partitions: []int32{0, 1, 2}}}
		fetch.Groups = append(fetch.Groups, asked)
		commit := kmsg.NewPtrOffsetCommitRequest()
		commit.Group, commit.Generation = group+"-fresh", -1
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = "full", id
		topic.Partitions = append(topic.Partitions, kmsg.NewOffsetCommitRequestTopicPartition())
		commit.Topics = append(commit.Topics, topic)
		join := kmsg.NewPtrJoinGroupRequest()
		join.Group, join.ProtocolType, join.MemberID, join.SessionTimeoutMillis = group, "consumer", "unknown", 10000
		join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
		sync := kmsg.NewPtrSyncGroupRequest()
		sync.Group, sync.MemberID = group, "unknown"
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Group, beat.MemberID = group, "unknown"
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group, leave.MemberID = group, "unknown"
		leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: "unknown"}}
		describe := kmsg.NewPtrDescribeGroupsRequest()
		describe.Groups, describe.IncludeAuthorizedOperations = []string{group}, true
		modern := kmsg.NewPtrConsumerGroupDescribeRequest()
		modern.Groups, modern.IncludeAuthorizedOperations = []string{group}, true
		heart := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		heart.Group, heart.MemberID, heart.MemberEpoch = group, "unknown", 5
		forget := kmsg.NewPtrOffsetDeleteRequest()
		forget.Group = group
		forget.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "empty", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}
		all = append(all, find, fetch, whole, commit, join, sync, beat, leave, describe, modern, heart, forget)
	}
	remove := kmsg.NewPtrDeleteGroupsRequest()
	remove.Groups = []string{"none", "modern"}
	some := kmsg.NewPtrListGroupsRequest()
	some.StatesFilter, some.TypesFilter = []string{"stable", "EMPTY"}, []string{"Consumer", "Classic"}
	return append(all, remove, some, kmsg.NewPtrListGroupsRequest())
}

func shareRequests(id [16]byte) []kmsg.Request {
	beat := kmsg.NewPtrShareGroupHeartbeatRequest()
	beat.GroupID, beat.MemberID, beat.MemberEpoch = "share", "unknown", 3
	describe := kmsg.NewPtrShareGroupDescribeRequest()
	describe.GroupIDs, describe.IncludeAuthorizedOperations = []string{"share", "none"}, true
	fetch := kmsg.NewPtrShareFetchRequest()
	group, member := "share", "AAAAAAAAAAAAAAAAAAAAAQ"
	fetch.GroupID, fetch.MemberID, fetch.MaxBytes, fetch.MaxRecords, fetch.BatchSize = &group, &member, 1<<20, 10, 10
	topic := kmsg.NewShareFetchRequestTopic()
	topic.TopicID = id
	for _, partition := range []int32{0, 2, 9} {
		part := kmsg.NewShareFetchRequestTopicPartition()
		part.Partition, part.PartitionMaxBytes = partition, 1<<20
		topic.Partitions = append(topic.Partitions, part)
	}
	fetch.Topics = append(fetch.Topics, topic)
	ack := kmsg.NewPtrShareAcknowledgeRequest()
	ack.GroupID, ack.MemberID = &group, &member
	offsets := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	for _, g := range []string{"share", "none"} {
		asked := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		asked.GroupID = g
		asked.Topics = []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{{Topic: "full", Partitions: []int32{0, 9}}}
		offsets.Groups = append(offsets.Groups, asked)
	}
	alter := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	alter.GroupID = "share"
	remove := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	remove.GroupID = "share"
	return []kmsg.Request{beat, describe, fetch, ack, offsets, alter, remove}
}

func transactionRequests() []kmsg.Request {
	txn := "none"
	start := kmsg.NewPtrInitProducerIDRequest()
	start.ProducerID, start.ProducerEpoch = -1, -1
	add := kmsg.NewPtrAddPartitionsToTxnRequest()
	add.TransactionalID = txn
	add.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "full", Partitions: []int32{0}}}
	one := kmsg.NewAddPartitionsToTxnRequestTransaction()
	one.TransactionalID = txn
	one.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "full", Partitions: []int32{0}}}
	add.Transactions = append(add.Transactions, one)
	offsets := kmsg.NewPtrAddOffsetsToTxnRequest()
	offsets.TransactionalID, offsets.Group = txn, "committed"
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID = txn
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.Group, commit.Generation = txn, "committed", -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = "full", append(topic.Partitions, kmsg.NewTxnOffsetCommitRequestTopicPartition())
	commit.Topics = append(commit.Topics, topic)
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "full", Partitions: []int32{0, 9}},
		{Topic: "none", Partitions: []int32{0}}}
	describe := kmsg.NewPtrDescribeTransactionsRequest()
	describe.TransactionalIDs = []string{"open", "none"}
	list := kmsg.NewPtrListTransactionsRequest()
	list.DurationFilterMillis = -1
	return []kmsg.Request{start, add, offsets, end, commit, producers, describe, list, kmsg.NewPtrWriteTxnMarkersRequest()}
}
