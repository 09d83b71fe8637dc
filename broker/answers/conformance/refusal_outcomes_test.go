package conformance_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// quota sets one quota, and gives the error's code.
func quota(entity, name, key string, value float64) func(conn) string {
	return see(func(r *kmsg.AlterClientQuotasRequest) {
		e := kmsg.NewAlterClientQuotasRequestEntry()
		e.Entity = []kmsg.AlterClientQuotasRequestEntryEntity{{Type: entity, Name: &name}}
		e.Ops = []kmsg.AlterClientQuotasRequestEntryOp{{Key: key, Value: value}}
		r.Entries, r.ValidateOnly = append(r.Entries, e), true
	}, func(a *kmsg.AlterClientQuotasResponse) any { return a.Entries[0].ErrorCode })
}

// subscribed has a member of a consumer group, which joined for nothing, say later
// that it wants a topic, and nothing else. It gives whether the member gets partitions.
func subscribed(c conn) string {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.RebalanceTimeoutMillis = 1, "partial", "member", 60000
	req.SubscribedTopicNames, req.Topics = []string{}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	joined := ask[*kmsg.ConsumerGroupHeartbeatResponse](c, req)
	defer func() {
		req.MemberEpoch, req.SubscribedTopicNames = -1, nil
		ask[*kmsg.ConsumerGroupHeartbeatResponse](c, req)
	}()
	req.MemberEpoch, req.RebalanceTimeoutMillis, req.Topics, req.SubscribedTopicNames = joined.MemberEpoch, -1, nil, []string{"full"}
	for range 50 { // Apache Kafka assigns some time after
		a := ask[*kmsg.ConsumerGroupHeartbeatResponse](c, req)
		if a.ErrorCode != 0 {
			return fmt.Sprint("error ", a.ErrorCode)
		}
		if a.Assignment != nil && len(a.Assignment.Topics) > 0 {
			return "assigned"
		}
		req.MemberEpoch, req.SubscribedTopicNames = a.MemberEpoch, nil
		time.Sleep(50 * time.Millisecond) // a heartbeat's interval
	}
	return "not assigned"
}

// appended appends to a new topic's list, twice, and gives the list.
func appended(c conn) string {
	name := fmt.Sprint("appended-", correlation.Load())
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version, create.TimeoutMillis = 7, 10000
	topic(name, func(*kmsg.CreateTopicsRequestTopic) {})(create)
	ask[*kmsg.CreateTopicsResponse](c, create)
	for range 2 {
		alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
		alter.Version = 1
		alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name,
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{
				{Name: "cleanup.policy", Op: kmsg.IncrementalAlterConfigOpAppend, Value: kmsg.StringPtr("compact")},
			}}}
		ask[*kmsg.IncrementalAlterConfigsResponse](c, alter)
	}
	describe := kmsg.NewPtrDescribeConfigsRequest()
	describe.Version = 4
	describe.Resources = []kmsg.DescribeConfigsRequestResource{
		{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name, ConfigNames: []string{"cleanup.policy"}},
	}
	for range 200 { // Apache Kafka's broker learns of it from its controller
		a := ask[*kmsg.DescribeConfigsResponse](c, describe)
		if r := a.Resources[0]; r.ErrorCode == 0 && r.Configs[0].Value != nil && strings.Contains(*r.Configs[0].Value, "compact") {
			return *r.Configs[0].Value
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "not set"
}

// anyUser sets a default for users, and gives how many quotas of users there are.
func anyUser(c conn) string {
	set := kmsg.NewPtrAlterClientQuotasRequest()
	set.Version = 1
	e := kmsg.NewAlterClientQuotasRequestEntry()
	e.Entity = []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user"}}
	e.Ops = []kmsg.AlterClientQuotasRequestEntryOp{{Key: "producer_byte_rate", Value: 1e9}}
	set.Entries = append(set.Entries, e)
	ask[*kmsg.AlterClientQuotasResponse](c, set)
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Version, req.Strict = 1, true
	req.Components = []kmsg.DescribeClientQuotasRequestComponent{{EntityType: "user", MatchType: 2}}
	found := 0
	for range 200 { // Apache Kafka's broker learns of it from its controller
		if found = len(ask[*kmsg.DescribeClientQuotasResponse](c, req).Entries); found > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Sprint(found)
}

func refusalOutcomes() []outcome {
	return []outcome{
		{name: "QuotaUnknown", want: "42", see: quota("user", "ann", "no_such_rate", 1)},
		{name: "QuotaNegative", want: "42", see: quota("user", "ann", "producer_byte_rate", -1)},
		{name: "QuotaFraction", want: "42", see: quota("client-id", "app", "consumer_byte_rate", 1.5)},
		{name: "QuotaOfUnknown", want: "42", see: quota("shoe-size", "44", "producer_byte_rate", 1)},
		{name: "QuotaOfOther", want: "42", see: quota("ip", "127.0.0.1", "producer_byte_rate", 1)},
		{name: "QuotaOfAny", want: "1", see: anyUser},
		{name: "MetadataTooLong", want: "12", see: see(func(r *kmsg.OffsetCommitRequest) {
			r.Version, r.Group = min(r.Version, 9), "lone"
			t := kmsg.NewOffsetCommitRequestTopic()
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Offset, p.Metadata = 1, kmsg.StringPtr(strings.Repeat("x", 4097))
			t.Topic, t.Partitions = "full", append(t.Partitions, p)
			r.Topics = append(r.Topics, t)
		}, func(a *kmsg.OffsetCommitResponse) any { return a.Topics[0].Partitions[0].ErrorCode })},
		{name: "SubscribedLater", want: "assigned", see: subscribed},
		{name: "BadPattern", want: "128", see: see(func(r *kmsg.ConsumerGroupHeartbeatRequest) {
			r.Group, r.MemberID, r.RebalanceTimeoutMillis = "bad-pattern", "member", 60000
			r.SubscribedTopicRegex, r.Topics = kmsg.StringPtr("["), []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		}, func(a *kmsg.ConsumerGroupHeartbeatResponse) any { return a.ErrorCode })},
		{name: "Appended", want: "delete,compact", see: appended},
		{name: "Rack", want: "true true", see: func(c conn) string {
			metadata := ask[*kmsg.MetadataResponse](c, newest(kmsg.NewPtrMetadataRequest(), func(*kmsg.MetadataRequest) {}))
			describe := kmsg.NewPtrDescribeClusterRequest()
			return fmt.Sprint(metadata.Brokers[0].Rack == nil, " ", ask[*kmsg.DescribeClusterResponse](c, describe).Brokers[0].Rack == nil)
		}},
		{name: "InvalidTopic", want: "17", see: see(func(r *kmsg.DescribeTopicPartitionsRequest) {
			r.Topics, r.ResponsePartitionLimit = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "no/such?"}}, 10
		}, func(a *kmsg.DescribeTopicPartitionsResponse) any { return a.Topics[0].ErrorCode })},
		{name: "ReadOnly", want: "42", see: see(func(r *kmsg.IncrementalAlterConfigsRequest) {
			r.ValidateOnly = true
			r.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "",
				Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "auto.create.topics.enable", Value: kmsg.StringPtr("false")}}}}
		}, func(a *kmsg.IncrementalAlterConfigsResponse) any { return a.Resources[0].ErrorCode })},
	}
}
