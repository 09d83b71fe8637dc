package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker"
	"axion/services/clustertest"
)

// outcome is what a client gets to see, and what Apache Kafka has it see.
type outcome struct {
	name string
	see  func(c conn) string
	want string
	// alone are outcomes of the embedded broker, which has reasons to differ.
	alone bool
	// kfake is as right: it is not asked for what it costs.
	kfake bool
}

// see makes a request of the newest version, and shows its answer.
func see[Q kmsg.Request, A kmsg.Response](fill func(Q), show func(A) any) func(conn) string {
	return func(c conn) string {
		var kind Q
		req := kmsg.RequestForKey(kind.Key()).(Q)
		r, ok := ranges(c)[req.Key()]
		if !ok {
			return "not answered"
		}
		req.SetVersion(min(r.MaxVersion, req.MaxVersion()))
		fill(req)
		return fmt.Sprint(show(ask[A](c, req)))
	}
}

func outcomes() []outcome {
	return slices.Concat(topicOutcomes(), settingOutcomes(), groupOutcomes(), clusterOutcomes(), refusalOutcomes(), timeOutcomes())
}

// TestOutcomes: the embedded broker answers what Apache Kafka answers.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{})
	judge(t, b.Addr(), func(t *testing.T, o outcome, got string) {
		if got != o.want {
			t.Errorf("got %s, want %s", got, o.want)
		}
	})
}

// TestOutcomesKafka: what the others expect is what Apache Kafka does.
func TestOutcomesKafka(t *testing.T) {
	clustertest.Slow(t)
	t.Parallel()
	addr := clustertest.StartKafka(t)
	judge(t, addr, func(t *testing.T, o outcome, got string) {
		if o.alone {
			t.Skip("Kafka does otherwise")
		}
		// A broker learns of changes from its controller, after they are answered.
		for end := time.Now().Add(20 * time.Second); got != o.want && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
			got = o.see(dial(t, addr))
		}
		if got != o.want {
			t.Errorf("Apache Kafka: got %s, the test wants %s", got, o.want)
		}
	})
}

// TestOutcomesKfake: kfake alone answers otherwise. One that fails here is answered by
// a newer kfake as by Kafka: what fixes it can go.
func TestOutcomesKfake(t *testing.T) {
	t.Parallel()
	judge(t, startKfake(t), func(t *testing.T, o outcome, got string) {
		if got == o.want && !o.kfake {
			t.Errorf("kfake itself answers %s", got)
		}
	})
}

func judge(t *testing.T, addr string, verdict func(*testing.T, outcome, string)) {
	t.Helper()
	fill(t, dial(t, addr))
	for _, o := range outcomes() {
		t.Run(o.name, func(t *testing.T) { verdict(t, o, o.see(dial(t, addr))) })
	}
}

// topic is one to create.
func topic(name string, change func(*kmsg.CreateTopicsRequestTopic)) func(*kmsg.CreateTopicsRequest) {
	return func(r *kmsg.CreateTopicsRequest) {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
		change(&t)
		r.Topics, r.TimeoutMillis = append(r.Topics, t), 10000
	}
}

func created(a *kmsg.CreateTopicsResponse) any { return a.Topics[0].ErrorCode }

func set(t *kmsg.CreateTopicsRequestTopic, name, value string) {
	t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: &value})
}

func topicOutcomes() []outcome {
	setting := func(name, value string) func(conn) string {
		return see(topic("refused", func(t *kmsg.CreateTopicsRequestTopic) { set(t, name, value) }), created)
	}
	return []outcome{
		{name: "CreateSettings", want: "33 compact 1 delete.retention.ms 5", see: see(
			topic("told", func(t *kmsg.CreateTopicsRequestTopic) { set(t, "cleanup.policy", "compact") }),
			func(a *kmsg.CreateTopicsResponse) any {
				all := a.Topics[0].Configs
				slices.SortFunc(all, func(a, b kmsg.CreateTopicsResponseTopicConfig) int { return strings.Compare(a.Name, b.Name) })
				if len(all) < 6 {
					return len(all)
				}
				return fmt.Sprint(len(all), " ", *all[0].Value, " ", all[0].Source, " ", all[5].Name, " ", all[5].Source)
			})},
		{name: "CreateUnknownSetting", want: "40", see: setting("no.such.setting", "1")},
		{name: "CreateBadNumber", want: "40", see: setting("retention.ms", "soon")},
		{name: "CreateBelowLeast", want: "40", see: setting("segment.bytes", "1")},
		{name: "CreateBadChoice", want: "40", see: setting("cleanup.policy", "shred")},
		{name: "CreateBadTimestampType", want: "40", see: setting("message.timestamp.type", "Never")},
		{name: "CreateBadRatio", want: "40", see: setting("min.cleanable.dirty.ratio", "2")},
		{name: "CreateBadBoolean", want: "40", see: setting("preallocate", "perhaps")},
		{name: "CreateTiered", want: "40", see: setting("remote.storage.enable", "true")},
		{name: "CreateNoReplicas", want: "38",
			see: see(topic("refused", func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = 0 }), created)},
		{name: "CreateMinusPartitions", want: "37",
			see: see(topic("refused", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = -7 }), created)},
		{name: "CreateOnNoBroker", want: "39", see: see(topic("refused", func(t *kmsg.CreateTopicsRequestTopic) {
			t.NumPartitions, t.ReplicationFactor = -1, -1
			t.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{77}}}
		}), created)},
		{name: "GrowToSame", want: "37", see: see(func(r *kmsg.CreatePartitionsRequest) {
			r.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "full", Count: 3}}
		}, func(a *kmsg.CreatePartitionsResponse) any { return a.Topics[0].ErrorCode })},
		{name: "DeleteUnknownID", want: "true 100", see: see(func(r *kmsg.DeleteTopicsRequest) {
			r.Topics = []kmsg.DeleteTopicsRequestTopic{{TopicID: [16]byte{9}}}
		}, func(a *kmsg.DeleteTopicsResponse) any {
			return fmt.Sprint(a.Topics[0].Topic == nil, " ", a.Topics[0].ErrorCode)
		})},
		{name: "DeleteRecordsBelow", want: "0 3", see: func(c conn) string {
			deleteRecords("full", 3)(c)
			return deleteRecords("full", 1)(c)
		}},
		{name: "DeleteRecordsUnknown", want: "3 -1", see: deleteRecords("none", 0)},
		{name: "DeleteRecordsCompacted", want: "44 -1", see: func(c conn) string {
			see(topic("kept", func(t *kmsg.CreateTopicsRequestTopic) { set(t, "cleanup.policy", "compact") }), created)(c)
			return deleteRecords("kept", 0)(c)
		}},
		{name: "LogAppendTime", want: "stamped marked found", see: appendTime},
		{name: "LogAppendTimeAndBack", want: "[0 8 0 8]", see: appendTimeAndBack},
	}
}

func deleteRecords(topic string, offset int64) func(conn) string {
	return see(func(r *kmsg.DeleteRecordsRequest) {
		r.TimeoutMillis = 5000
		r.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: offset}}}}
	}, func(a *kmsg.DeleteRecordsResponse) any {
		return fmt.Sprint(a.Topics[0].Partitions[0].ErrorCode, " ", a.Topics[0].Partitions[0].LowWatermark)
	})
}

// appendTime writes a record of a time long past to a topic with LogAppendTime, and
// looks at it in each way.
func appendTime(c conn) string {
	const name = "stamped"
	before := time.Now().UnixMilli()
	see(topic(name, func(t *kmsg.CreateTopicsRequestTopic) { set(t, "message.timestamp.type", "LogAppendTime") }), created)(c)
	c.settle()
	saw := see(produceTo(name, time.UnixMilli(1000)), func(a *kmsg.ProduceResponse) any {
		if a.Topics[0].Partitions[0].LogAppendTime >= before {
			return "stamped"
		}
		return a.Topics[0].Partitions[0].LogAppendTime
	})(c)
	var b kmsg.RecordBatch
	raw := fetchedFrom(c, name, 0)
	if err := b.ReadFrom(raw); err != nil {
		return fmt.Sprint(saw, " ", err)
	}
	if string(signed(b)[:21]) == string(raw[:21]) && b.Attributes&8 != 0 && b.MaxTimestamp >= before {
		saw += " marked"
	}
	return saw + see(func(r *kmsg.ListOffsetsRequest) {
		r.ReplicaID = -1
		t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
		p.Timestamp = before
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		r.Topics = append(r.Topics, t)
	}, func(a *kmsg.ListOffsetsResponse) any {
		if p := a.Topics[0].Partitions[0]; p.Offset == 0 && p.Timestamp >= before {
			return " found"
		}
		return " lost"
	})(c)
}

// fetchedFrom are the batches of a topic's first partition from an offset on.
func fetchedFrom(c conn, name string, offset int64) []byte {
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxBytes, fetch.SessionEpoch, fetch.MaxWaitMillis, fetch.MinBytes = 11, 1<<20, -1, 500, 1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes, p.FetchOffset = 1<<20, offset
	t.Topic, t.Partitions = name, append(t.Partitions, p)
	fetch.Topics = append(fetch.Topics, t)
	return ask[*kmsg.FetchResponse](c, fetch).Topics[0].Partitions[0].RecordBatches
}

// appendTimeAndBack changes a topic there, back, and there again: each batch keeps the
// type that it was written with. It gives the types of the last four.
func appendTimeAndBack(c conn) string {
	const name, setting = "stamped-and-back", "message.timestamp.type"
	see(topic(name, func(*kmsg.CreateTopicsRequestTopic) {}), created)(c)
	last := int64(0)
	for _, value := range []string{"CreateTime", "LogAppendTime", "CreateTime", "LogAppendTime"} {
		change(name, setting, &value, kmsg.IncrementalAlterConfigOpSet)(c)
		c.settle()
		see(produceTo(name, time.UnixMilli(1000)), func(a *kmsg.ProduceResponse) any {
			last = a.Topics[0].Partitions[0].BaseOffset
			return nil
		})(c)
	}
	var types []int16
	for raw := fetchedFrom(c, name, last-3); len(raw) > 0; {
		var b kmsg.RecordBatch
		if err := b.ReadFrom(raw); err != nil {
			return err.Error()
		}
		types, raw = append(types, b.Attributes), raw[12+b.Length:]
	}
	return fmt.Sprint(types)
}

func produceTo(name string, at time.Time) func(*kmsg.ProduceRequest) {
	return func(r *kmsg.ProduceRequest) {
		r.Version, r.Acks, r.TimeoutMillis = 9, -1, 5000
		t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		p.Records = batch(at)
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		r.Topics = append(r.Topics, t)
	}
}

// change is one setting of a topic to change.
func change(topic, name string, value *string, op kmsg.IncrementalAlterConfigOp) func(conn) string {
	return see(func(r *kmsg.IncrementalAlterConfigsRequest) {
		resource := kmsg.NewIncrementalAlterConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		resource.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Value: value, Op: op}}
		r.Resources = append(r.Resources, resource)
	}, func(a *kmsg.IncrementalAlterConfigsResponse) any { return a.Resources[0].ErrorCode })
}

func settingOutcomes() []outcome {
	value := func(s string) *string { return &s }
	describe := func(kind kmsg.ConfigResourceType, resource string, names ...string) func(conn) string {
		return see(func(r *kmsg.DescribeConfigsRequest) {
			asked := kmsg.NewDescribeConfigsRequestResource()
			asked.ResourceType, asked.ResourceName, asked.ConfigNames = kind, resource, names
			r.Resources, r.IncludeSynonyms = append(r.Resources, asked), true
		}, func(a *kmsg.DescribeConfigsResponse) any {
			var all []string
			for _, c := range a.Resources[0].Configs {
				text := "null"
				if c.Value != nil {
					text = *c.Value
				}
				all = append(all, fmt.Sprint(c.Name, "=", text, " ", c.ConfigType, " ", c.Source, " ", len(c.ConfigSynonyms)))
			}
			return strings.Join(all, ", ")
		})
	}
	return []outcome{
		{name: "AlterUnknownSetting", want: "40", see: change("full", "no.such.setting", value("1"), kmsg.IncrementalAlterConfigOpSet)},
		{name: "AlterBadValue", want: "40", see: change("full", "max.message.bytes", value("-1"), kmsg.IncrementalAlterConfigOpSet)},
		{name: "AlterNull", want: "42", see: change("full", "retention.ms", nil, kmsg.IncrementalAlterConfigOpSet)},
		{name: "AlterAppendNumber", want: "40", see: change("full", "retention.ms", value("1"), kmsg.IncrementalAlterConfigOpAppend)},
		{name: "AlterWhole", want: "40", see: see(func(r *kmsg.AlterConfigsRequest) {
			resource := kmsg.NewAlterConfigsRequestResource()
			resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, "full"
			resource.Configs = []kmsg.AlterConfigsRequestResourceConfig{{Name: "no.such.setting", Value: value("1")}}
			r.Resources = append(r.Resources, resource)
		}, func(a *kmsg.AlterConfigsResponse) any { return a.Resources[0].ErrorCode })},
		{
			name: "DescribeTopic", want: "flush.ms=9223372036854775807 LONG DEFAULT_CONFIG 1",
			see: describe(kmsg.ConfigResourceTypeTopic, "full", "flush.ms"), alone: true, // Kafka names no synonym of this one
		},
		{name: "DescribeSet", want: "min.compaction.lag.ms=7 LONG DYNAMIC_TOPIC_CONFIG 2", see: func(c conn) string {
			change("full", "min.compaction.lag.ms", value("7"), kmsg.IncrementalAlterConfigOpSet)(c)
			return describe(kmsg.ConfigResourceTypeTopic, "full", "min.compaction.lag.ms")(c)
		}},
		{
			name: "DescribeGroup", want: "share.delivery.count.limit=5 INT DEFAULT_CONFIG 1",
			see: describe(kmsg.ConfigResourceTypeGroupConfig, "committed", "share.delivery.count.limit"),
		},
		{name: "DescribeAll", want: "33", see: func(c conn) string {
			return fmt.Sprint(1 + strings.Count(describe(kmsg.ConfigResourceTypeTopic, "full")(c), ", "))
		}},
	}
}

func clusterOutcomes() []outcome {
	return []outcome{
		{name: "Quorum", want: "1 true", see: see(func(r *kmsg.DescribeQuorumRequest) {
			r.Topics = []kmsg.DescribeQuorumRequestTopic{{Topic: "__cluster_metadata", Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{}}}}
		}, func(a *kmsg.DescribeQuorumResponse) any {
			p := a.Topics[0].Partitions[0]
			return fmt.Sprint(len(p.CurrentVoters), " ", p.CurrentVoters[0].ReplicaID == p.LeaderID)
		})},
		{name: "LogDir", want: "true true", see: see(func(*kmsg.DescribeLogDirsRequest) {}, func(a *kmsg.DescribeLogDirsResponse) any {
			info, err := os.Stat(a.Dirs[0].Dir)
			return fmt.Sprint(err == nil && info.IsDir() && filepath.IsAbs(a.Dirs[0].Dir), " ", a.Dirs[0].TotalBytes > 1<<20)
		})},
		{name: "MoveToNoDir", want: "57", see: see(func(r *kmsg.AlterReplicaLogDirsRequest) {
			r.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{{Dir: "/no/such",
				Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: "full", Partitions: []int32{0}}}}}
		}, func(a *kmsg.AlterReplicaLogDirsResponse) any { return a.Topics[0].Partitions[0].ErrorCode })},
		{name: "Elect", want: "84", see: see(func(r *kmsg.ElectLeadersRequest) {
			r.TimeoutMillis = 5000
			r.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: "full", Partitions: []int32{0}}}
		}, func(a *kmsg.ElectLeadersResponse) any { return a.Topics[0].Partitions[0].ErrorCode })},
		{name: "ReassignToNoBroker", want: "39", see: see(func(r *kmsg.AlterPartitionAssignmentsRequest) {
			r.TimeoutMillis = 5000
			r.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{
				{Topic: "full", Partitions: []kmsg.AlterPartitionAssignmentsRequestTopicPartition{{Replicas: []int32{77}}}},
			}
		}, func(a *kmsg.AlterPartitionAssignmentsResponse) any { return a.Topics[0].Partitions[0].ErrorCode })},
		// Kafka refuses them on plain connections before it looks whether they are on.
		{name: "CreateToken", want: "61", alone: true,
			see: see(func(*kmsg.CreateDelegationTokenRequest) {}, func(a *kmsg.CreateDelegationTokenResponse) any { return a.ErrorCode })},
		{name: "RenewToken", want: "61", alone: true,
			see: see(func(*kmsg.RenewDelegationTokenRequest) {}, func(a *kmsg.RenewDelegationTokenResponse) any { return a.ErrorCode })},
		{name: "ExpireToken", want: "61", alone: true,
			see: see(func(*kmsg.ExpireDelegationTokenRequest) {}, func(a *kmsg.ExpireDelegationTokenResponse) any { return a.ErrorCode })},
		{name: "DescribeToken", want: "61", alone: true,
			see: see(func(*kmsg.DescribeDelegationTokenRequest) {}, func(a *kmsg.DescribeDelegationTokenResponse) any { return a.ErrorCode })},
		{name: "ACLs", want: "54", see: see(func(r *kmsg.DescribeACLsRequest) {
			r.ResourceType, r.ResourcePatternType, r.Operation, r.PermissionType = 1, 1, 1, 1
		}, func(a *kmsg.DescribeACLsResponse) any { return a.ErrorCode })},
		{name: "ClusterOperations", want: "8096", see: see(func(r *kmsg.DescribeClusterRequest) {
			r.IncludeClusterAuthorizedOperations = true
		}, func(a *kmsg.DescribeClusterResponse) any { return a.ClusterAuthorizedOperations })},
		{name: "Features", want: "30", see: see(func(r *kmsg.ApiVersionsRequest) {
			r.ClientSoftwareName, r.ClientSoftwareVersion = "test", "1"
		}, func(a *kmsg.ApiVersionsResponse) any {
			for _, f := range a.SupportedFeatures {
				if f.Name == "metadata.version" {
					return f.MaxVersion
				}
			}
			return 0
		})},
		{name: "Versions", want: "0 false", see: func(c conn) string {
			all := ranges(c)
			_, telemetry := all[int16(kmsg.PushTelemetry)]
			return fmt.Sprint(all[int16(kmsg.Produce)].MinVersion, " ", telemetry)
		}},
	}
}
