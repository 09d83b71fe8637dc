package answers

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Node is the id of the one broker, which is its controller too: kfake's first.
const Node = 0

// clusterOperations are those that Kafka knows for the cluster, as bits: create, alter,
// describe, act for the cluster, describe and alter configs, write without transactions.
const clusterOperations = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12

func init() {
	on(clusters.apiVersions)
	on(clusters.describeQuorum)
	on(func(_ clusters, req *kmsg.DescribeClusterRequest) Exchange {
		return complete(func(a *kmsg.DescribeClusterResponse) {
			for i := range a.Brokers {
				a.Brokers[i].Rack = nil
			}
			operations(&a.ClusterAuthorizedOperations, req.IncludeClusterAuthorizedOperations, a.ErrorCode, clusterOperations)
		})
	})
	on(func(clusters, *kmsg.CreateDelegationTokenRequest) Exchange {
		return instead(func(a *kmsg.CreateDelegationTokenResponse) { a.ErrorCode = kerr.DelegationTokenAuthDisabled.Code })
	})
	on(func(clusters, *kmsg.RenewDelegationTokenRequest) Exchange {
		return instead(func(a *kmsg.RenewDelegationTokenResponse) { a.ErrorCode = kerr.DelegationTokenAuthDisabled.Code })
	})
	on(func(clusters, *kmsg.ExpireDelegationTokenRequest) Exchange {
		return instead(func(a *kmsg.ExpireDelegationTokenResponse) { a.ErrorCode = kerr.DelegationTokenAuthDisabled.Code })
	})
	on(func(clusters, *kmsg.DescribeDelegationTokenRequest) Exchange {
		return instead(func(a *kmsg.DescribeDelegationTokenResponse) { a.ErrorCode = kerr.DelegationTokenAuthDisabled.Code })
	})
	on(func(clusters, *kmsg.DescribeACLsRequest) Exchange {
		return instead(func(a *kmsg.DescribeACLsResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SecurityDisabled.Code, noAuthorizer()
		})
	})
	on(clusters.createACLs)
	on(clusters.deleteACLs)
}

// added are requests that Kafka answers and kfake does not; the completer does.
var added = []kmsg.ApiVersionsResponseApiKey{
	{ApiKey: int16(kmsg.CreateDelegationToken), MinVersion: 1, MaxVersion: 3},
	{ApiKey: int16(kmsg.RenewDelegationToken), MinVersion: 1, MaxVersion: 2},
	{ApiKey: int16(kmsg.ExpireDelegationToken), MinVersion: 1, MaxVersion: 2},
	{ApiKey: int16(kmsg.DescribeDelegationToken), MinVersion: 1, MaxVersion: 3},
	{ApiKey: int16(kmsg.DescribeQuorum), MinVersion: 0, MaxVersion: 2},
}

// apiVersions lists what clients of Kafka 4.3 may use. Kafka names Produce from version 0 on, without which librdkafka compresses
// nothing, though it answers from 3 on. It has no telemetry without a receiver; kfake asks
// clients to send all their metrics, and drops them.
func (clusters) apiVersions(*kmsg.ApiVersionsRequest) Exchange {
	return complete(func(a *kmsg.ApiVersionsResponse) {
		keys := make([]kmsg.ApiVersionsResponseApiKey, 0, len(a.ApiKeys)+len(added))
		known := make(map[int16]bool, len(a.ApiKeys))
		for _, key := range a.ApiKeys {
			switch kmsg.Key(key.ApiKey) {
			case kmsg.GetTelemetrySubscriptions, kmsg.PushTelemetry:
				continue
			case kmsg.Produce:
				key.MinVersion = 0
			}
			keys = append(keys, key)
			known[key.ApiKey] = true
		}
		for _, key := range added {
			if !known[key.ApiKey] {
				keys = append(keys, key)
			}
		}
		a.ApiKeys = keys
		a.SupportedFeatures = slices.DeleteFunc(a.SupportedFeatures, func(f kmsg.ApiVersionsResponseSupportedFeature) bool {
			return f.Name == streamsFeature
		})
		for i := range a.SupportedFeatures {
			f := &a.SupportedFeatures[i]
			f.MaxVersion = level(f.Name, f.MaxVersion)
		}
		a.FinalizedFeatures = slices.DeleteFunc(a.FinalizedFeatures, func(f kmsg.ApiVersionsResponseFinalizedFeature) bool {
			return f.Name == streamsFeature
		})
		for i := range a.FinalizedFeatures {
			f := &a.FinalizedFeatures[i]
			f.MinVersionLevel, f.MaxVersionLevel = level(f.Name, f.MinVersionLevel), level(f.Name, f.MaxVersionLevel)
		}
	})
}

// streamsFeature is the group protocol of Kafka Streams, which kfake names and has not.
const streamsFeature = "streams.version"

// level is at most what Kafka 4.3 has of a feature: kfake names some that are to come.
func level(feature string, named int16) int16 {
	switch feature {
	case "metadata.version":
		return min(named, 30)
	case "share.version":
		return min(named, 1)
	}
	return named
}

const metadataTopic = "__cluster_metadata" // Kafka's log of the cluster's state

// describeQuorum answers for one node, which kfake does not answer at all.
func (m clusters) describeQuorum(req *kmsg.DescribeQuorumRequest) Exchange {
	return instead(func(a *kmsg.DescribeQuorumResponse) {
		for _, t := range req.Topics {
			topic := kmsg.NewDescribeQuorumResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				part := kmsg.NewDescribeQuorumResponseTopicPartition()
				part.Partition = p.Partition
				if t.Topic != metadataTopic || p.Partition != 0 {
					part.ErrorCode = kerr.UnknownTopicOrPartition.Code
				} else {
					voter := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
					voter.ReplicaID, voter.LogEndOffset = Node, 1
					voter.LastFetchTimestamp = time.Now().UnixMilli()
					voter.LastCaughtUpTimestamp = voter.LastFetchTimestamp
					part.LeaderID, part.LeaderEpoch, part.HighWatermark = Node, 1, 1
					part.CurrentVoters = append(part.CurrentVoters, voter)
				}
				topic.Partitions = append(topic.Partitions, part)
			}
			a.Topics = append(a.Topics, topic)
		}
		node := kmsg.NewDescribeQuorumResponseNode()
		node.NodeID = Node
		listener := kmsg.NewDescribeQuorumResponseNodeListener()
		name, port, err := net.SplitHostPort(m.cluster.Addr())
		if number, bad := strconv.ParseUint(port, 10, 16); err == nil && bad == nil {
			listener.Name, listener.Host, listener.Port = "CONTROLLER", name, uint16(number)
			node.Listeners = append(node.Listeners, listener)
		}
		a.Nodes = append(a.Nodes, node)
	})
}

// noAuthorizer is Kafka's text where no access is controlled: kfake keeps rules that
// nobody follows.
func noAuthorizer() *string {
	text := "No Authorizer is configured on the broker"
	return &text
}

func (clusters) createACLs(req *kmsg.CreateACLsRequest) Exchange {
	return instead(func(a *kmsg.CreateACLsResponse) {
		for range req.Creations {
			result := kmsg.NewCreateACLsResponseResult()
			result.ErrorCode, result.ErrorMessage = kerr.SecurityDisabled.Code, noAuthorizer()
			a.Results = append(a.Results, result)
		}
	})
}

func (clusters) deleteACLs(req *kmsg.DeleteACLsRequest) Exchange {
	return instead(func(a *kmsg.DeleteACLsResponse) {
		for range req.Filters {
			result := kmsg.NewDeleteACLsResponseResult()
			result.ErrorCode, result.ErrorMessage = kerr.SecurityDisabled.Code, noAuthorizer()
			a.Results = append(a.Results, result)
		}
	})
}
