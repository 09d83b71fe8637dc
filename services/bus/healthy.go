package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	errUnassigned = errors.New("no partitions assigned yet")
	errLost       = errors.New("partitions lost: it is not in its consumer group now")
	errRefused    = errors.New("the broker takes no records: its disk is full or cannot be written to")
)

// Healthy returns nil if the bus can be used now: it has its place in the group, and a
// broker answers before ctx ends and takes records. Unlike [Bus.Ready] it says so of
// this moment.
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
	if b.refused(ctx) {
		return errRefused
	}
	return nil
}

// refused reports whether no broker has room for records. One that does not tell of its
// disks (KIP-827), or not us, has some.
func (b *Bus) refused(ctx context.Context) bool {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{} // none: nil is for all
	told := false
	for _, broker := range b.client.RequestSharded(ctx, req) {
		answer, ok := broker.Resp.(*kmsg.DescribeLogDirsResponse)
		if broker.Err != nil || !ok || answer.ErrorCode != 0 {
			return false
		}
		for _, dir := range answer.Dirs {
			if dir.ErrorCode == 0 && dir.UsableBytes != 0 {
				return false
			}
			told = true
		}
	}
	return told
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
