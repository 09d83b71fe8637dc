package answers

import (
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(groups.offsetFetch)
	on(groups.listGroups)
	on(groups.describeGroups)
	on(groups.consumerGroupDescribe)
	on(groups.shareGroupDescribe)
	on(func(groups, *kmsg.HeartbeatRequest) Exchange {
		return complete(func(a *kmsg.HeartbeatResponse) { unknownMember(&a.ErrorCode) })
	})
	on(func(groups, *kmsg.SyncGroupRequest) Exchange {
		return complete(func(a *kmsg.SyncGroupResponse) { unknownMember(&a.ErrorCode) })
	})
	on(groups.leaveGroup)
	on(groups.offsetDelete)
}

// offsetDelete: offsets of a topic stay while a group's members subscribe to it. kfake
// says of groups of the consumer protocol that they are not empty, or not there.
func (m groups) offsetDelete(req *kmsg.OffsetDeleteRequest) Exchange {
	return complete(func(a *kmsg.OffsetDeleteResponse) {
		if a.ErrorCode != kerr.NonEmptyGroup.Code && a.ErrorCode != kerr.GroupIDNotFound.Code {
			return
		}
		describe := kmsg.NewPtrConsumerGroupDescribeRequest()
		describe.Groups = []string{req.Group}
		d, ok := ask[*kmsg.ConsumerGroupDescribeResponse](m.asker, describe)
		if !ok || len(d.Groups) != 1 || d.Groups[0].ErrorCode != 0 {
			return
		}
		subscribed := make(map[string]bool)
		for _, member := range d.Groups[0].Members {
			for _, topic := range member.SubscribedTopics {
				subscribed[topic] = true
			}
		}
		var topics []kmsg.OffsetDeleteResponseTopic
		for _, t := range req.Topics {
			if !subscribed[t.Topic] {
				return // which nobody can delete but kfake
			}
			topic := kmsg.NewOffsetDeleteResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetDeleteResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.GroupSubscribedToTopic.Code
				topic.Partitions = append(topic.Partitions, part)
			}
			topics = append(topics, topic)
		}
		a.ErrorCode, a.Topics = 0, topics
	})
}

// unknownMember is what Kafka answers to a member of the classic protocol whose group
// is gone, such as after a restart: the member joins again. kfake answers
// GROUP_ID_NOT_FOUND, which ends clients.
func unknownMember(code *int16) bool {
	if *code != kerr.GroupIDNotFound.Code {
		return false
	}
	*code = kerr.UnknownMemberID.Code
	return true
}

func (groups) leaveGroup(req *kmsg.LeaveGroupRequest) Exchange {
	return complete(func(a *kmsg.LeaveGroupResponse) {
		if !unknownMember(&a.ErrorCode) || req.Version < 3 {
			return
		}
		a.ErrorCode = 0
		for _, who := range req.Members {
			answer := kmsg.NewLeaveGroupResponseMember()
			answer.MemberID, answer.InstanceID, answer.ErrorCode = who.MemberID, who.InstanceID, kerr.UnknownMemberID.Code
			a.Members = append(a.Members, answer)
		}
	})
}

// offsetFetch: a group that is not there has committed nothing, which is no error in
// Kafka. kfake answers GROUP_ID_NOT_FOUND.
func (groups) offsetFetch(req *kmsg.OffsetFetchRequest) Exchange {
	return complete(func(a *kmsg.OffsetFetchResponse) {
		if req.Version < 8 {
			if a.ErrorCode == kerr.GroupIDNotFound.Code {
				a.ErrorCode, a.Topics = 0, uncommitted(req.Topics)
			}
			return
		}
		for i := range a.Groups {
			group := &a.Groups[i]
			if group.ErrorCode != kerr.GroupIDNotFound.Code || i >= len(req.Groups) {
				continue
			}
			group.ErrorCode = 0
			for _, t := range req.Groups[i].Topics {
				topic := kmsg.NewOffsetFetchResponseGroupTopic()
				topic.Topic, topic.TopicID = t.Topic, t.TopicID
				for _, id := range t.Partitions {
					part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
					part.Partition, part.Offset = id, -1
					topic.Partitions = append(topic.Partitions, part)
				}
				group.Topics = append(group.Topics, topic)
			}
		}
	})
}

// uncommitted answers for partitions without an offset, in versions of one group.
func uncommitted(asked []kmsg.OffsetFetchRequestTopic) []kmsg.OffsetFetchResponseTopic {
	var all []kmsg.OffsetFetchResponseTopic
	for _, t := range asked {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = t.Topic
		for _, id := range t.Partitions {
			part := kmsg.NewOffsetFetchResponseTopicPartition()
			part.Partition, part.Offset = id, -1
			topic.Partitions = append(topic.Partitions, part)
		}
		all = append(all, topic)
	}
	return all
}

// groupStates are the states of groups as kfake writes them, by their small letters.
var groupStates = map[string]string{
	"empty": "Empty", "stable": "Stable", "preparingrebalance": "PreparingRebalance",
	"completingrebalance": "CompletingRebalance", "dead": "Dead", "reconciling": "Reconciling",
}

// listGroups: filters take no account of case in Kafka, and Java writes types with a
// capital letter. kfake compares them as they are, and lists nothing.
func (groups) listGroups(req *kmsg.ListGroupsRequest) Exchange {
	for i, kind := range req.TypesFilter {
		req.TypesFilter[i] = strings.ToLower(kind)
	}
	for i, state := range req.StatesFilter {
		if known, ok := groupStates[strings.ToLower(state)]; ok {
			req.StatesFilter[i] = known
		}
	}
	x := complete(func(a *kmsg.ListGroupsResponse) {
		for i := range a.Groups {
			if g := &a.Groups[i]; g.GroupType == "consumer" {
				g.ProtocolType = "consumer" // kfake leaves it empty, which hides the group from kafka-consumer-groups
			}
		}
	})
	x.Changed = len(req.TypesFilter)+len(req.StatesFilter) > 0
	return x
}

// groupOperations are those that Kafka knows for a group, as bits: read, delete,
// describe, describe and alter configs.
const groupOperations = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11

// operations are all that there are, where they were asked for: without an authorizer
// everything is allowed.
func operations(field *int32, asked bool, code int16, all int32) {
	if asked && code == 0 {
		*field = all
	}
}

// host is a client's address as Java writes it. kfake writes its port too.
func host(field *string) {
	if h, _, err := net.SplitHostPort(*field); err == nil {
		*field = "/" + h
	}
}

// describeGroups: only groups of the classic protocol are described by this request.
// kfake sends the state of others, without members.
func (m groups) describeGroups(req *kmsg.DescribeGroupsRequest) Exchange {
	return complete(func(a *kmsg.DescribeGroupsResponse) {
		for i := range a.Groups {
			group := &a.Groups[i]
			if group.ErrorCode == 0 && len(group.Members) == 0 && group.State != "Dead" && m.kindOf(group.Group) == consumerKind {
				name := group.Group
				*group = kmsg.NewDescribeGroupsResponseGroup()
				group.Group, group.State = name, "Dead"
				if req.Version >= 6 {
					text := "Group " + name + " is not a classic group."
					group.ErrorCode, group.ErrorMessage = kerr.GroupIDNotFound.Code, &text
				}
				continue
			}
			operations(&group.AuthorizedOperations, req.IncludeAuthorizedOperations, group.ErrorCode, groupOperations)
			for j := range group.Members {
				host(&group.Members[j].ClientHost)
			}
		}
	})
}

func (m groups) consumerGroupDescribe(req *kmsg.ConsumerGroupDescribeRequest) Exchange {
	return complete(func(a *kmsg.ConsumerGroupDescribeResponse) {
		for i := range a.Groups {
			group := &a.Groups[i]
			operations(&group.AuthorizedOperations, req.IncludeAuthorizedOperations, group.ErrorCode, groupOperations)
			if group.AssignorName == "" && group.ErrorCode == 0 {
				group.AssignorName = "uniform" // Kafka's default, and what kfake does then
			}
			for j := range group.Members {
				host(&group.Members[j].ClientHost)
			}
		}
		m.nameAssignments(a)
	})
}

// nameAssignments gives the topics of assignments their names, which kfake leaves out.
func (m groups) nameAssignments(a *kmsg.ConsumerGroupDescribeResponse) {
	var all []*kmsg.AssignmentTopicPartition
	for i := range a.Groups {
		for j := range a.Groups[i].Members {
			member := &a.Groups[i].Members[j]
			for _, assignment := range []*kmsg.Assignment{&member.Assignment, &member.TargetAssignment} {
				for k := range assignment.TopicPartitions {
					all = append(all, &assignment.TopicPartitions[k])
				}
			}
		}
	}
	if len(all) == 0 {
		return
	}
	names := m.topicNames()
	for _, part := range all {
		if part.Topic == "" {
			part.Topic = names[part.TopicID]
		}
	}
}

func (groups) shareGroupDescribe(req *kmsg.ShareGroupDescribeRequest) Exchange {
	return complete(func(a *kmsg.ShareGroupDescribeResponse) {
		for i := range a.Groups {
			group := &a.Groups[i]
			operations(&group.AuthorizedOperations, req.IncludeAuthorizedOperations, group.ErrorCode, groupOperations)
			for j := range group.Members {
				host(&group.Members[j].ClientHost)
			}
		}
	})
}

// Kinds of groups, as the broker lists them.
const (
	classicKind  = "classic"
	consumerKind = "consumer"
)

// kindOf is the kind of a group, or empty where there is no such group.
func (m *asker) kindOf(group string) string {
	list, ok := ask[*kmsg.ListGroupsResponse](m, kmsg.NewPtrListGroupsRequest())
	if !ok {
		return ""
	}
	for _, g := range list.Groups {
		if g.Group == group {
			return g.GroupType
		}
	}
	return ""
}
