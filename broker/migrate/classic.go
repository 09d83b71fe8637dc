package migrate

import (
	"crypto/rand"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/answers"
)

// join has a classic member join a group of the consumer protocol.
func (g *Groups) join(req *kmsg.JoinGroupRequest) (answers.Exchange, bool) {
	if req.Group == "" || !g.isConsumer(req.Group) {
		return answers.Exchange{}, false
	}
	refuse := func(err *kerr.Error, id string) (answers.Exchange, bool) {
		return instead(func(a *kmsg.JoinGroupResponse) { a.ErrorCode, a.MemberID = err.Code, id })
	}
	if req.ProtocolType != consumerProtocol || len(req.Protocols) == 0 {
		return refuse(kerr.InconsistentGroupProtocol, req.MemberID)
	}
	id := req.MemberID
	if id == "" {
		if id = g.static(req); id == "" {
			id = rand.Text()
			if req.Version >= 4 && req.InstanceID == nil {
				return refuse(kerr.MemberIDRequired, id)
			}
		}
	}
	m := g.member(req.Group, id)
	if m == nil {
		m = newMember(req.Group, id, req.InstanceID, "")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	first := req.Protocols[0]
	if !m.subscribe(first.Metadata) {
		return refuse(kerr.InconsistentGroupProtocol, id)
	}
	m.protocol = first.Name
	if m.timeout = req.RebalanceTimeoutMillis; m.timeout <= 0 {
		m.timeout = req.SessionTimeoutMillis
	}
	ids, _ := g.topicIDs()
	if code := g.enter(m, claimed(first.Metadata, ids)); code != 0 {
		g.drop(m)
		return refuse(classicError(code), id)
	}
	m.rejoin, m.anyGeneration, m.generation = false, false, m.epoch
	g.add(m)
	generation, protocol := m.generation, m.protocol
	return instead(func(a *kmsg.JoinGroupResponse) {
		kind := consumerProtocol
		// Nobody leads: kfake assigns.
		a.Generation, a.ProtocolType, a.Protocol, a.MemberID = generation, &kind, &protocol, id
	})
}

// enter joins, or joins again where the member was taken out meanwhile.
func (g *Groups) enter(m *member, has owned) int16 {
	code := g.beat(m, has)
	if code == kerr.UnknownMemberID.Code || code == kerr.FencedMemberEpoch.Code {
		m.epoch = 0
		code = g.beat(m, nil)
	}
	return code
}

// classicError is an error of the consumer protocol as the classic one has it.
func classicError(code int16) *kerr.Error {
	switch code {
	case kerr.StaleMemberEpoch.Code:
		return kerr.IllegalGeneration
	case kerr.FencedMemberEpoch.Code, kerr.GroupIDNotFound.Code:
		return kerr.UnknownMemberID
	case kerr.UnreleasedInstanceID.Code:
		return kerr.FencedInstanceID
	}
	return kerr.TypedErrorForCode(code)
}

// wrong says why a member's request of a generation is refused; 0 for not. The caller
// holds m.mu.
func (m *member) wrong(generation int32) int16 {
	switch {
	case m.rejoin:
		return kerr.RebalanceInProgress.Code
	case generation != m.generation:
		return kerr.IllegalGeneration.Code
	}
	return 0
}

// sync sends a member its partitions.
func (g *Groups) sync(req *kmsg.SyncGroupRequest) (answers.Exchange, bool) {
	m := g.member(req.Group, req.MemberID)
	if m == nil {
		return answers.Exchange{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if code := m.wrong(req.Generation); code != 0 {
		return instead(func(a *kmsg.SyncGroupResponse) { a.ErrorCode = code })
	}
	m.has = m.given
	assignment := kmsg.NewConsumerMemberAssignment()
	_, names := g.topicIDs()
	for id, partitions := range m.has {
		t := kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic, t.Partitions = names[id], partitions
		assignment.Topics = append(assignment.Topics, t)
	}
	protocol := m.protocol
	return instead(func(a *kmsg.SyncGroupResponse) {
		kind := consumerProtocol
		a.ProtocolType, a.Protocol, a.MemberAssignment = &kind, &protocol, assignment.AppendTo(nil)
	})
}

// heartbeat keeps a member, and has it join again where its partitions have changed.
func (g *Groups) heartbeat(req *kmsg.HeartbeatRequest) (answers.Exchange, bool) {
	m := g.member(req.Group, req.MemberID)
	if m == nil {
		return answers.Exchange{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	code := int16(0)
	if m.rejoin || req.Generation == m.generation {
		code = g.beat(m, m.has)
	}
	switch {
	case code == kerr.UnknownMemberID.Code || code == kerr.FencedMemberEpoch.Code:
		g.drop(m)
		code = kerr.UnknownMemberID.Code
	case code != 0:
		code = classicError(code).Code
	default:
		m.rejoin = m.rejoin || !m.given.equal(m.has)
		code = m.wrong(req.Generation)
	}
	return instead(func(a *kmsg.HeartbeatResponse) { a.ErrorCode = code })
}

// leave has members leave. They may be named by their instance.
func (g *Groups) leave(req *kmsg.LeaveGroupRequest) (answers.Exchange, bool) {
	asked := req.Members
	if req.Version < 3 {
		who := kmsg.NewLeaveGroupRequestMember()
		who.MemberID = req.MemberID
		asked = []kmsg.LeaveGroupRequestMember{who}
	}
	found := make([]*member, len(asked))
	here := false
	for i, who := range asked {
		found[i] = g.named(req.Group, who)
		here = here || found[i] != nil
	}
	if !here {
		return answers.Exchange{}, false
	}
	for _, m := range found {
		if m != nil {
			g.end(m)
		}
	}
	return instead(func(a *kmsg.LeaveGroupResponse) {
		if req.Version < 3 {
			return
		}
		for i, who := range asked {
			answer := kmsg.NewLeaveGroupResponseMember()
			answer.MemberID, answer.InstanceID = who.MemberID, who.InstanceID
			if found[i] == nil {
				answer.ErrorCode = kerr.UnknownMemberID.Code
			}
			a.Members = append(a.Members, answer)
		}
	})
}
