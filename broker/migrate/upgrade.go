package migrate

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// upgrade has the members of a classic group be members of the consumer protocol, if
// there are any. The error is for the member that comes: it tries again, or the group
// has members of another kind.
func (g *Groups) upgrade(group string) *kerr.Error {
	g.upgrading.Lock()
	defer g.upgrading.Unlock()
	if g.isConsumer(group) {
		return nil
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	a, ok := ask[*kmsg.DescribeGroupsResponse](g, req)
	if !ok {
		return kerr.CoordinatorNotAvailable
	}
	described := a.Groups[0]
	if described.ErrorCode != 0 || len(described.Members) == 0 && (described.State == "Empty" || described.State == "Dead") {
		return nil // kfake changes a group without members
	}
	if described.ProtocolType != consumerProtocol {
		return kerr.GroupIDNotFound
	}
	if described.State != "Stable" {
		return kerr.CoordinatorLoadInProgress // what waits for a rebalance cannot be taken out
	}
	var moved []*member
	for _, who := range described.Members {
		m := newMember(group, who.MemberID, who.InstanceID, described.Protocol)
		if !m.subscribe(who.ProtocolMetadata) {
			return kerr.GroupIDNotFound
		}
		// It is to join anew, and commits what it has read before: by a generation
		// that nobody says.
		m.rejoin, m.anyGeneration = true, true
		moved = append(moved, m)
	}
	return g.move(group, moved)
}

// move takes the members out of the classic group, and has them join it again.
func (g *Groups) move(group string, members []*member) *kerr.Error {
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = group
	for _, m := range members {
		who := kmsg.NewLeaveGroupRequestMember()
		who.MemberID, who.InstanceID = m.id, m.instance
		leave.Members = append(leave.Members, who)
	}
	if a, ok := ask[*kmsg.LeaveGroupResponse](g, leave); !ok || a.ErrorCode != 0 {
		return kerr.CoordinatorNotAvailable
	}
	for _, m := range members {
		m.mu.Lock()
		if code := g.beat(m, nil); code == 0 {
			g.add(m)
		}
		m.mu.Unlock()
	}
	g.note(group)
	return nil
}
