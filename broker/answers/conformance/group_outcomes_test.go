package conformance_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// committed asks for what a group has committed, of one partition or of all.
func committed(group string, topics ...string) func(conn) string {
	return func(c conn) string {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Version = 9
		asked := kmsg.NewOffsetFetchRequestGroup()
		asked.Group = group
		for _, topic := range topics {
			asked.Topics = append(asked.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: topic, Partitions: []int32{0}})
		}
		req.Groups = append(req.Groups, asked)
		return shown(ask[*kmsg.OffsetFetchResponse](c, req).Groups[0])
	}
}

func shown(g kmsg.OffsetFetchResponseGroup) string {
	out := fmt.Sprint(g.ErrorCode)
	for _, t := range g.Topics {
		for _, p := range t.Partitions {
			text := "null"
			if p.Metadata != nil {
				text = fmt.Sprintf("%q", *p.Metadata)
			}
			out += fmt.Sprint(" ", t.Topic, " ", p.Offset, " ", text)
		}
	}
	return out
}

func groupNames(a *kmsg.ListGroupsResponse) any {
	var names []string
	for _, g := range a.Groups {
		names = append(names, g.Group)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// old makes a request in an older version.
func old[A kmsg.Response](version int16, req kmsg.Request, show func(A) any) func(conn) string {
	return func(c conn) string {
		req.SetVersion(version)
		return fmt.Sprint(show(ask[A](c, req)))
	}
}

func groupOutcomes() []outcome {
	single := kmsg.NewPtrOffsetFetchRequest()
	single.Group, single.Topics = "none", []kmsg.OffsetFetchRequestTopic{{Topic: "full", Partitions: []int32{0}}}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = "none", "who"
	return []outcome{
		{name: "CommittedUnknownGroup", want: `0 full -1 ""`, see: committed("none", "full")},
		{name: "CommittedUnknownGroupAll", want: `0`, see: committed("none")},
		{name: "CommittedUnknownGroupOld", want: "0 -1", see: old(5, single, func(a *kmsg.OffsetFetchResponse) any {
			if len(a.Topics) == 0 {
				return a.ErrorCode
			}
			return fmt.Sprint(a.ErrorCode, " ", a.Topics[0].Partitions[0].Offset)
		})},
		{name: "CommittedMetadata", want: `0 full 3 ""`, see: committed("committed", "full")},
		{name: "ListByType", want: "classic committed modern", see: see(func(r *kmsg.ListGroupsRequest) {
			r.TypesFilter = []string{"Consumer", "Classic"}
		}, groupNames)},
		{name: "ListByState", want: "committed", see: see(func(r *kmsg.ListGroupsRequest) {
			r.StatesFilter = []string{"EMPTY"}
		}, groupNames)},
		{name: "HeartbeatUnknownGroup", want: "25", see: see(func(r *kmsg.HeartbeatRequest) {
			r.Group, r.MemberID = "none", "who"
		}, func(a *kmsg.HeartbeatResponse) any { return a.ErrorCode })},
		{name: "SyncUnknownGroup", want: "25", see: see(func(r *kmsg.SyncGroupRequest) {
			kind, name := "consumer", "range"
			r.Group, r.MemberID, r.ProtocolType, r.Protocol = "none", "who", &kind, &name
		}, func(a *kmsg.SyncGroupResponse) any { return a.ErrorCode })},
		{name: "LeaveUnknownGroup", want: "0 25", see: see(func(r *kmsg.LeaveGroupRequest) {
			r.Group, r.Members = "none", []kmsg.LeaveGroupRequestMember{{MemberID: "who"}}
		}, func(a *kmsg.LeaveGroupResponse) any {
			if len(a.Members) == 0 {
				return a.ErrorCode
			}
			return fmt.Sprint(a.ErrorCode, " ", a.Members[0].ErrorCode)
		})},
		{name: "LeaveUnknownGroupOld", want: "25", see: old(1, leave, func(a *kmsg.LeaveGroupResponse) any { return a.ErrorCode })},
		{name: "DescribeClassic", want: "Stable /127.0.0.1 3400", see: see(func(r *kmsg.DescribeGroupsRequest) {
			r.Groups, r.IncludeAuthorizedOperations = []string{"classic"}, true
		}, func(a *kmsg.DescribeGroupsResponse) any {
			g := a.Groups[0]
			return fmt.Sprint(g.State, " ", g.Members[0].ClientHost, " ", g.AuthorizedOperations)
		})},
		{name: "ForgetSubscribed", want: "0 86", see: see(func(r *kmsg.OffsetDeleteRequest) {
			r.Group = "modern"
			r.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "full", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}
		}, func(a *kmsg.OffsetDeleteResponse) any {
			if len(a.Topics) == 0 {
				return a.ErrorCode
			}
			return fmt.Sprint(a.ErrorCode, " ", a.Topics[0].Partitions[0].ErrorCode)
		})},
		{name: "DescribeModernAsClassic", want: "69 Dead", see: see(func(r *kmsg.DescribeGroupsRequest) {
			r.Groups = []string{"modern"}
		}, func(a *kmsg.DescribeGroupsResponse) any {
			return fmt.Sprint(a.Groups[0].ErrorCode, " ", a.Groups[0].State)
		})},
		{name: "DescribeModern", want: `uniform /127.0.0.1 "" full`, see: see(func(r *kmsg.ConsumerGroupDescribeRequest) {
			r.Groups = []string{"modern"}
		}, func(a *kmsg.ConsumerGroupDescribeResponse) any {
			g := a.Groups[0]
			m := g.Members[0]
			if m.SubscribedTopicRegex == nil || len(m.Assignment.TopicPartitions) == 0 {
				return "null"
			}
			return fmt.Sprintf("%s %s %q %s", g.AssignorName, m.ClientHost, *m.SubscribedTopicRegex, m.Assignment.TopicPartitions[0].Topic)
		})},
	}
}
