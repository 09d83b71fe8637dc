package broker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leave takes a member out of its group.
func (a *Admin) leave(ctx context.Context, key memberKey) error {
	if key.modern {
		return a.leaveModern(ctx, key)
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = key.group
	req.MemberID = key.id // up to version 2
	who := kmsg.NewLeaveGroupRequestMember()
	who.MemberID = key.id
	req.Members = append(req.Members, who)
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	for _, who := range resp.Members {
		if err := kerr.ErrorForCode(who.ErrorCode); err != nil {
			return fmt.Errorf("leave group: %w", err)
		}
	}
	return nil
}

// leaveModern does so in the protocol of KIP-848, by a heartbeat of epoch -1.
func (a *Admin) leaveModern(ctx context.Context, key memberKey) error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = key.group, key.id, -1
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	return nil
}
