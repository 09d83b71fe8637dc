package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var errRefused = errors.New("the broker takes no records: its disk is full or cannot be written to")

// Healthy returns nil if the bus can be used now: it is a member of its group, and a
// broker answers before ctx ends and accepts records. Unlike [Bus.Ready] it reports the
// present state.
func (b *Bus) Healthy(ctx context.Context) error {
	if err := b.consumer.Assigned(); err != nil {
		return err
	}
	if err := b.conn.Client.Ping(ctx); err != nil {
		return fmt.Errorf("the broker does not answer: %w", err)
	}
	if err := b.consumer.Member(); err != nil {
		return err
	}
	if disksFull(ctx, b.conn.Client) {
		return errRefused
	}
	return nil
}

// disksFull reports whether no broker has room for records. One that does not report its
// disks (KIP-827), or not to this client, has some.
func disksFull(ctx context.Context, client *kgo.Client) bool {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{} // none: nil is for all
	reported := false
	for _, broker := range client.RequestSharded(ctx, req) {
		answer, ok := broker.Resp.(*kmsg.DescribeLogDirsResponse)
		if broker.Err != nil || !ok || answer.ErrorCode != 0 {
			return false
		}
		for _, dir := range answer.Dirs {
			if dir.ErrorCode == 0 && dir.UsableBytes != 0 {
				return false
			}
			reported = true
		}
	}
	return reported
}
