package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// RemoveMember takes a member out of its group. kip848 says that the group is of the
// protocol of KIP-848.
func (g Groups) RemoveMember(ctx context.Context, group, id string, kip848 bool) error {
	if kip848 {
		return g.leaveKIP848(ctx, group, id)
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = group
	req.MemberID = id // up to version 2
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = id
	req.Members = append(req.Members, member)
	resp, err := req.RequestWith(ctx, g.raw)
	if err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	for _, member := range resp.Members {
		if err := kerr.ErrorForCode(member.ErrorCode); err != nil {
			return fmt.Errorf("leave group: %w", err)
		}
	}
	return nil
}

// leaveKIP848 does so by a heartbeat of epoch -1.
func (g Groups) leaveKIP848(ctx context.Context, group, id string) error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = group, id, -1
	resp, err := req.RequestWith(ctx, g.raw)
	if err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	return nil
}
