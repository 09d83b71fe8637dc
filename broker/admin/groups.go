package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Group is a consumer group and how far it is behind.
type Group struct {
	Name    string `json:"name"`
	State   string `json:"state"` // Kafka's name: Stable, Empty, PreparingRebalance …
	Members int    `json:"members"`
	// Lag is, by topic, the number of records between what the group has
	// committed and the end.
	Lag map[string]int64 `json:"lag"`
}

// GroupDetail is all that the cluster reports of a consumer group.
type GroupDetail struct {
	Name  string `json:"name"`
	State string `json:"state" doc:"Kafka's name: Stable, Empty, PreparingRebalance …"`
	// Protocol is "classic" or, of KIP-848, "consumer"; Assignor who deals the
	// partitions out, where it is known.
	Protocol   string         `json:"protocol" enum:"classic,consumer"`
	Assignor   string         `json:"assignor,omitempty"`
	Members    []Member       `json:"members"`
	Partitions []PartitionLag `json:"partitions" doc:"Those that the group has committed or reads, by topic and id."`
}

// Member is one consumer of a group.
type Member struct {
	ID       string `json:"id"`
	ClientID string `json:"clientId"`
	Host     string `json:"host"`
	// Assigned are the partitions it reads, by topic.
	Assigned map[string][]int32 `json:"assigned"`
}

// PartitionLag is how far a group is in one partition.
type PartitionLag struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed" doc:"The offset that is read next; -1 where the group has committed none."`
	End       int64  `json:"end"`
	// Lag is -1 where it is not known.
	Lag    int64  `json:"lag" doc:"How many messages are not read yet; -1 where that is not known."`
	Member string `json:"member,omitempty" doc:"The id of the member that reads it."`
}

// Groups reads and changes the consumer groups of a cluster, over the connections of an
// [Admin]. It is safe for concurrent use.
type Groups struct {
	raw    *kgo.Client
	client *kadm.Client
}

// Groups returns the consumer groups of the cluster.
func (a *Admin) Groups() Groups { return Groups{raw: a.raw, client: a.client} }

// ErrNoGroup says that the cluster knows no such group.
var ErrNoGroup = errors.New("the broker knows no such group")

// List lists the cluster's consumer groups by name, of both group protocols.
// Share groups, which have no committed offsets, are left out.
func (g Groups) List(ctx context.Context) ([]Group, error) {
	details, err := g.DescribeAll(ctx)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, len(details))
	for i, d := range details {
		groups[i] = Group{Name: d.Name, State: d.State, Members: len(d.Members), Lag: map[string]int64{}}
		for _, p := range d.Partitions {
			groups[i].Lag[p.Topic] += max(p.Lag, 0) // what is unknown counts nothing
		}
	}
	return groups, nil
}

// Describe describes one group, of either protocol.
func (g Groups) Describe(ctx context.Context, name string) (GroupDetail, error) {
	all, err := g.DescribeAll(ctx)
	if err != nil {
		return GroupDetail{}, err
	}
	for _, group := range all {
		if group.Name == name {
			return group, nil
		}
	}
	return GroupDetail{}, fmt.Errorf("%w: %s", ErrNoGroup, name)
}

// MemberCount counts the members of a group, of either protocol; 0 where the cluster knows
// no such group.
func (g Groups) MemberCount(ctx context.Context, group string) (int, error) {
	classic, err := g.client.DescribeGroups(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("describe group %s: %w", group, err)
	}
	if n := len(classic[group].Members); n > 0 {
		return n, nil
	}
	kip848, err := g.client.DescribeConsumerGroups(ctx, group)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("describe group %s: %w", group, ctx.Err())
	}
	if err != nil {
		return 0, nil // a cluster older than the protocol
	}
	return len(kip848[group].Members), nil
}

// DescribeAll describes all groups, by name.
func (g Groups) DescribeAll(ctx context.Context) ([]GroupDetail, error) {
	listed, err := g.client.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	var names []string
	for _, group := range listed.Sorted() {
		if group.ProtocolType != "share" {
			names = append(names, group.Group)
		}
	}
	if len(names) == 0 {
		return []GroupDetail{}, nil
	}
	lags, err := g.client.Lag(ctx, slices.Clone(names)...)
	if err != nil {
		return nil, fmt.Errorf("read groups' lag: %w", err)
	}
	groups := make([]GroupDetail, 0, len(names))
	var kip848 []string
	for _, name := range names {
		lag := lags[name]
		group := GroupDetail{Name: name, State: lag.State, Protocol: "classic", Assignor: lag.Protocol, Members: classicMembers(lag.Members),
			Partitions: partitions(lag.Lag)}
		if lag.DescribeErr != nil || lag.State == "" || lag.State == "Dead" {
			group.State = listed[name].State
		}
		// DescribeGroups lists members of classic groups only: another may
		// be of the newer protocol.
		if len(group.Members) == 0 && lag.ProtocolType == "" {
			kip848 = append(kip848, name)
		}
		groups = append(groups, group)
	}
	if len(kip848) == 0 {
		return groups, nil
	}
	return groups, g.describeKIP848(ctx, kip848, groups)
}

// describeKIP848 completes those of the groups named in kip848 that are of the
// protocol of KIP-848.
func (g Groups) describeKIP848(ctx context.Context, kip848 []string, groups []GroupDetail) error {
	described, err := g.client.DescribeConsumerGroups(ctx, slices.Clone(kip848)...)
	if ctx.Err() != nil {
		return fmt.Errorf("describe groups: %w", ctx.Err())
	}
	if err != nil {
		return nil // a cluster older than the protocol
	}
	commits := g.client.FetchManyOffsets(ctx, slices.Clone(kip848)...)
	topics := commits.CommittedPartitions().Topics()
	var starts, ends kadm.ListedOffsets
	if len(topics) > 0 {
		if starts, err = g.client.ListStartOffsets(ctx, topics...); err != nil {
			return fmt.Errorf("list start offsets: %w", err)
		}
		if ends, err = g.client.ListEndOffsets(ctx, topics...); err != nil {
			return fmt.Errorf("list end offsets: %w", err)
		}
	}
	for i := range groups {
		group := &groups[i]
		detail, ok := described[group.Name]
		if !ok || detail.Err != nil {
			continue
		}
		group.State, group.Protocol, group.Assignor, group.Members = detail.State, "consumer", detail.AssignorName, kip848Members(detail.Members)
		// As an empty group: lag then follows from the commits alone.
		empty := kadm.DescribedGroup{Group: group.Name, State: "Empty"}
		group.Partitions = partitions(kadm.CalculateGroupLagWithStartOffsets(empty, commits[group.Name].Fetched, starts, ends))
		group.setReaders()
	}
	return nil
}

// setReaders notes who reads each partition.
func (d *GroupDetail) setReaders() {
	for _, m := range d.Members {
		for i, p := range d.Partitions {
			if slices.Contains(m.Assigned[p.Topic], p.Partition) {
				d.Partitions[i].Member = m.ID
			}
		}
	}
}

func classicMembers(described []kadm.DescribedGroupMember) []Member {
	all := make([]Member, 0, len(described))
	for _, m := range described {
		member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Assigned: map[string][]int32{}}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				member.Assigned[t.Topic] = slices.Sorted(slices.Values(t.Partitions))
			}
		}
		all = append(all, member)
	}
	return all
}

func kip848Members(described []kadm.ConsumerGroupMember) []Member {
	all := make([]Member, 0, len(described))
	for _, m := range described {
		member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Assigned: map[string][]int32{}}
		for _, t := range m.Assignment.Sorted() {
			if t.Topic != "" { // kfake sends the topic's id alone
				member.Assigned[t.Topic] = t.Partitions
			}
		}
		all = append(all, member)
	}
	return all
}

// partitions lists what a group has read, by topic and id.
func partitions(lag kadm.GroupLag) []PartitionLag {
	all := []PartitionLag{}
	for _, l := range lag.Sorted() {
		p := PartitionLag{Topic: l.Topic, Partition: l.Partition, Committed: l.Commit.At, End: l.End.Offset, Lag: l.Lag}
		if l.Member != nil {
			p.Member = l.Member.MemberID
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b PartitionLag) int {
		if order := strings.Compare(a.Topic, b.Topic); order != 0 {
			return order
		}
		return int(a.Partition - b.Partition)
	})
	return all
}
