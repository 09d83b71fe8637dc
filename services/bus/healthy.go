package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var (
	errUnassigned = errors.New("no partitions assigned yet")
	errLost       = errors.New("partitions lost: it is not in its consumer group now")
)

// Healthy returns nil if the bus can be used now: it has its place in the group, and a
// broker answers before ctx ends. Unlike [Bus.Ready] it says so of this moment.
func (b *Bus) Healthy(ctx context.Context) error {
	select {
	case <-b.ready:
	default:
		return errUnassigned
	}
	if err := b.client.Ping(ctx); err != nil {
		return fmt.Errorf("the broker does not answer: %w", err)
	}
	if b.lost.Load() {
		return errLost
	}
	return nil
}

// Unserved gives those of services that nobody answers for now: their consumer groups
// have no members. It sends them nothing.
func (b *Bus) Unserved(ctx context.Context, services ...string) ([]string, error) {
	groups := make([]string, len(services))
	for i, service := range services {
		groups[i] = Group(service)
	}
	classic, err := b.admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return nil, fmt.Errorf("describe groups: %w", err)
	}
	without := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return len(classic[Group(s)].Members) > 0 })
	if len(without) == 0 {
		return nil, nil
	}
	// An error is that of a cluster older than the protocol.
	modern, err := b.admin.DescribeConsumerGroups(ctx, groups...)
	if err == nil {
		without = slices.DeleteFunc(without, func(s string) bool { return len(modern[Group(s)].Members) > 0 })
	}
	return without, ctx.Err()
}
