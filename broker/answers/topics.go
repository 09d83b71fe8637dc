package answers

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(topics.createTopics)
	on(topics.createPartitions)
	on(topics.deleteTopics)
	on(topics.electLeaders)
	on(topics.reassign)
}

// problem is why a topic, partition or resource is refused.
type problem struct {
	code int16
	text string
}

func problemf(err *kerr.Error, format string, args ...any) *problem {
	return &problem{err.Code, fmt.Sprintf(format, args...)}
}

// createTopics refuses what Kafka refuses and kfake creates: replicas on brokers that
// are not there, no replicas at all, and settings that Kafka does not have. In the
// answer it lists each new topic's settings.
func (m topics) createTopics(req *kmsg.CreateTopicsRequest) Exchange {
	refused := make(map[string]*problem)
	req.Topics = slices.DeleteFunc(req.Topics, func(t kmsg.CreateTopicsRequestTopic) bool {
		p := newTopicProblem(t)
		if p != nil {
			refused[t.Topic] = p
		}
		return p != nil
	})
	var names []string
	for name := range refused {
		names = append(names, name)
	}
	for name := range m.partitions(names...) {
		refused[name] = problemf(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	return Exchange{
		Changed: len(refused) > 0,
		Complete: func(resp kmsg.Response) {
			a := resp.(*kmsg.CreateTopicsResponse)
			for name, p := range refused {
				topic := kmsg.NewCreateTopicsResponseTopic()
				topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, p.code, &p.text
				a.Topics = append(a.Topics, topic)
			}
			if req.Version >= 5 {
				m.reportSettings(req, a)
			}
		},
	}
}

func newTopicProblem(t kmsg.CreateTopicsRequestTopic) *problem {
	if p := assignmentProblem(t); p != nil {
		return p
	}
	for _, c := range t.Configs {
		if p := topicSettings.problem(c.Name, c.Value); p != nil {
			return p
		}
	}
	return nil
}

func assignmentProblem(t kmsg.CreateTopicsRequestTopic) *problem {
	if len(t.ReplicaAssignment) == 0 {
		switch {
		case t.ReplicationFactor == 0 || t.ReplicationFactor < -1:
			return problemf(kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
		case t.NumPartitions == 0 || t.NumPartitions < -1:
			return problemf(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
		}
		return nil
	}
	for _, part := range t.ReplicaAssignment {
		if p := replicasProblem(part.Replicas); p != nil {
			return p
		}
	}
	return nil
}

// replicasProblem checks where a partition is to be: there is one broker.
func replicasProblem(replicas []int32) *problem {
	if len(replicas) == 0 {
		return problemf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	for i, id := range replicas {
		switch {
		case id != Node:
			return problemf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.",
				id)
		case i > 0:
			return problemf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	return nil
}

// reportSettings lists the settings of the topics that were created, or would be. kfake
// lists those of the request alone, from a source that Java does not know.
func (m topics) reportSettings(req *kmsg.CreateTopicsRequest, a *kmsg.CreateTopicsResponse) {
	var created []string
	for _, topic := range a.Topics {
		if topic.ErrorCode == 0 && !req.ValidateOnly {
			created = append(created, topic.Topic)
		}
	}
	described := m.settingsOf(created)
	for i := range a.Topics {
		topic := &a.Topics[i]
		if topic.ErrorCode != 0 {
			topic.Configs = nil // made empty with the other nulls
			continue
		}
		all, ok := described[topic.Topic]
		if !ok {
			all = topicSettings.defaults()
			for _, t := range req.Topics {
				if t.Topic == topic.Topic {
					all = override(all, t.Configs)
				}
			}
		}
		topic.Configs = all
	}
}

// override sets what a request names.
func override(all []kmsg.CreateTopicsResponseTopicConfig,
	set []kmsg.CreateTopicsRequestTopicConfig) []kmsg.CreateTopicsResponseTopicConfig {
	for _, c := range set {
		at := slices.IndexFunc(all, func(known kmsg.CreateTopicsResponseTopicConfig) bool { return known.Name == c.Name })
		if at >= 0 {
			all[at].Value, all[at].Source = c.Value, int8(kmsg.ConfigSourceDynamicTopicConfig)
		}
	}
	return all
}

// settingsOf are topics' settings as the broker describes them.
func (m *asker) settingsOf(topics []string) map[string][]kmsg.CreateTopicsResponseTopicConfig {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		req.Resources = append(req.Resources, r)
	}
	answer, ok := ask[*kmsg.DescribeConfigsResponse](m, req)
	if !ok {
		return nil
	}
	described := make(map[string][]kmsg.CreateTopicsResponseTopicConfig)
	for _, r := range answer.Resources {
		if r.ErrorCode != 0 {
			continue
		}
		for _, c := range r.Configs {
			config := kmsg.NewCreateTopicsResponseTopicConfig()
			config.Name, config.Value, config.Source = c.Name, c.Value, int8(c.Source)
			config.ReadOnly, config.IsSensitive = c.ReadOnly, c.IsSensitive
			described[r.ResourceName] = append(described[r.ResourceName], config)
		}
	}
	return described
}

// createPartitions: as many partitions as there are would be no increase, which Kafka
// refuses. kfake does nothing and says that it is done.
func (m topics) createPartitions(req *kmsg.CreatePartitionsRequest) Exchange {
	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	before := m.partitions(names...)
	return complete(func(a *kmsg.CreatePartitionsResponse) {
		for i := range a.Topics {
			topic := &a.Topics[i]
			for _, t := range req.Topics {
				n, known := before[t.Topic]
				if t.Topic == topic.Topic && known && int(t.Count) == n && topic.ErrorCode == 0 {
					text := fmt.Sprintf("The topic %s currently has %d partition(s); %d would not be an increase.", t.Topic, n, t.Count)
					topic.ErrorCode, topic.ErrorMessage = kerr.InvalidPartitions.Code, &text
				}
			}
		}
	})
}

// deleteTopics: a topic that is asked for by an id that is not there has no name.
func (m topics) deleteTopics(*kmsg.DeleteTopicsRequest) Exchange {
	return complete(func(a *kmsg.DeleteTopicsResponse) {
		for i := range a.Topics {
			topic := &a.Topics[i]
			if topic.Topic != nil && *topic.Topic == "" && topic.ErrorCode != 0 {
				topic.Topic = nil
			}
		}
	})
}

// electLeaders: the one broker leads everything, so that no election is needed. kfake
// holds one, and counts the leader's epoch up.
func (m topics) electLeaders(req *kmsg.ElectLeadersRequest) Exchange {
	return instead(func(a *kmsg.ElectLeadersResponse) {
		var names []string
		for _, t := range req.Topics {
			names = append(names, t.Topic)
		}
		known := m.partitions(names...)
		for _, t := range req.Topics {
			topic := kmsg.NewElectLeadersResponseTopic()
			topic.Topic = t.Topic
			for _, id := range t.Partitions {
				part := kmsg.NewElectLeadersResponseTopicPartition()
				part.Partition = id
				why := problemf(kerr.ElectionNotNeeded, "Leader election not needed for topic partition.")
				if n, ok := known[t.Topic]; !ok {
					why = problemf(kerr.UnknownTopicOrPartition, "No such topic as %s", t.Topic)
				} else if id < 0 || int(id) >= n {
					why = problemf(kerr.UnknownTopicOrPartition, "No such partition as %s-%d", t.Topic, id)
				}
				part.ErrorCode, part.ErrorMessage = why.code, &why.text
				topic.Partitions = append(topic.Partitions, part)
			}
			a.Topics = append(a.Topics, topic)
		}
	})
}

// reassign refuses brokers that are not there. kfake accepts them, and does nothing.
func (m topics) reassign(req *kmsg.AlterPartitionAssignmentsRequest) Exchange {
	return complete(func(a *kmsg.AlterPartitionAssignmentsResponse) {
		for i := range a.Topics {
			for j := range a.Topics[i].Partitions {
				part := &a.Topics[i].Partitions[j]
				if part.ErrorCode != 0 || i >= len(req.Topics) || j >= len(req.Topics[i].Partitions) {
					continue
				}
				if p := replicasProblem(req.Topics[i].Partitions[j].Replicas); p != nil {
					part.ErrorCode, part.ErrorMessage = p.code, &p.text
				}
			}
		}
	})
}
