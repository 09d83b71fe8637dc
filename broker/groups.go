package broker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
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

// Groups lists the cluster's consumer groups by name, of both group protocols.
// Share groups, which have no committed offsets, are left out.
func (a *Admin) Groups(ctx context.Context) ([]Group, error) {
	listed, err := a.client.ListGroups(ctx)
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
		return []Group{}, nil
	}
	lags, err := a.client.Lag(ctx, append([]string(nil), names...)...)
	if err != nil {
		return nil, fmt.Errorf("read groups' lag: %w", err)
	}
	groups := make([]Group, 0, len(names))
	var modern []string
	for _, name := range names {
		lag := lags[name]
		group := Group{Name: name, State: lag.State, Members: len(lag.Members), Lag: byTopic(lag.Lag)}
		if lag.DescribeErr != nil || lag.State == "" || lag.State == "Dead" {
			group.State = listed[name].State
		}
		// DescribeGroups tells members of classic groups only: another may
		// be of the newer protocol.
		if group.Members == 0 && lag.ProtocolType == "" {
			modern = append(modern, name)
		}
		groups = append(groups, group)
	}
	if len(modern) == 0 {
		return groups, nil
	}
	return groups, a.describeModern(ctx, modern, groups)
}

// describeModern completes those of the groups named in modern that are of the
// protocol of KIP-848.
func (a *Admin) describeModern(ctx context.Context, modern []string, groups []Group) error {
	described, err := a.client.DescribeConsumerGroups(ctx, append([]string(nil), modern...)...)
	if ctx.Err() != nil {
		return fmt.Errorf("describe groups: %w", ctx.Err())
	}
	if err != nil {
		return nil // a cluster older than the protocol
	}
	commits := a.client.FetchManyOffsets(ctx, append([]string(nil), modern...)...)
	partitions := commits.CommittedPartitions()
	topics := partitions.Topics()
	var starts, ends kadm.ListedOffsets
	if len(topics) > 0 {
		if starts, err = a.client.ListStartOffsets(ctx, topics...); err != nil {
			return fmt.Errorf("list start offsets: %w", err)
		}
		if ends, err = a.client.ListEndOffsets(ctx, topics...); err != nil {
			return fmt.Errorf("list end offsets: %w", err)
		}
	}
	for i := range groups {
		group := &groups[i]
		detail, ok := described[group.Name]
		if !ok || detail.Err != nil {
			continue
		}
		group.State, group.Members = detail.State, len(detail.Members)
		// As an empty group: lag then follows from the commits alone.
		empty := kadm.DescribedGroup{Group: group.Name, State: "Empty"}
		group.Lag = byTopic(kadm.CalculateGroupLagWithStartOffsets(empty, commits[group.Name].Fetched, starts, ends))
	}
	return nil
}

// byTopic sums lag over partitions; what is unknown (-1) counts nothing.
func byTopic(lag kadm.GroupLag) map[string]int64 {
	sums := make(map[string]int64, len(lag))
	for topic, partitions := range lag {
		sums[topic] = 0
		for _, p := range partitions {
			sums[topic] += max(p.Lag, 0)
		}
	}
	return sums
}
