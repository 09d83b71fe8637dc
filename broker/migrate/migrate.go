// Package migrate has members of both group protocols in one consumer group, as
// Apache Kafka has (KIP-848, group.consumer.migration.policy=bidirectional): services
// change from the classic protocol to the consumer protocol, or back, one instance
// after the other. kfake (as of 2026-09-18) refuses the first that changes, and lets
// the first that changes back read all partitions beside the others.
//
// A classic member of a consumer group is one to kfake by heartbeats of the consumer
// protocol, which this package sends for it: it reads the member's requests, and
// answers them in kfake's place. A group whose last member of the consumer protocol has
// left goes on so.
package migrate

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/answers"
)

// askTime bounds a request of our own.
const askTime = 5 * time.Second

// Asker sends requests to kfake, past what this package does.
type Asker interface {
	Ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error)
}

// Groups follows the groups of one broker. It is safe for concurrent use.
type Groups struct {
	asker Asker

	upgrading sync.Mutex // held while a group changes
	registry
}

// New returns the groups of a broker.
func New(asker Asker) *Groups {
	return &Groups{asker: asker, registry: registry{members: make(map[memberKey]*member), consumer: make(map[string]bool)}}
}

// Concerns reports whether requests of a key are to be shown to [Groups.Exchange].
func Concerns(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.OffsetCommit, kmsg.TxnOffsetCommit,
		kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe, kmsg.DeleteGroups:
		return true
	}
	return false
}

// Exchange says what becomes of a request; ok is false where it is none of this
// package's business. It may ask the broker, and so take as long as an answer.
func (g *Groups) Exchange(req kmsg.Request) (x answers.Exchange, ok bool) {
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		return g.join(r)
	case *kmsg.SyncGroupRequest:
		return g.sync(r)
	case *kmsg.HeartbeatRequest:
		return g.heartbeat(r)
	case *kmsg.LeaveGroupRequest:
		return g.leave(r)
	case *kmsg.OffsetCommitRequest:
		return g.commit(r)
	case *kmsg.TxnOffsetCommitRequest:
		return g.commitTransaction(r)
	case *kmsg.ConsumerGroupHeartbeatRequest:
		return g.consumerHeartbeat(r)
	case *kmsg.ConsumerGroupDescribeRequest:
		return answers.Exchange{Complete: func(resp kmsg.Response) { g.describe(resp.(*kmsg.ConsumerGroupDescribeResponse)) }}, true
	case *kmsg.DeleteGroupsRequest:
		g.forget(r.Groups)
	}
	return x, false
}

// describe lists which members are of the classic protocol.
func (g *Groups) describe(a *kmsg.ConsumerGroupDescribeResponse) {
	const classic = 0
	for i := range a.Groups {
		for j := range a.Groups[i].Members {
			if m := &a.Groups[i].Members[j]; g.member(a.Groups[i].Group, m.MemberID) != nil {
				m.MemberType = classic
			}
		}
	}
}

// ask sends a request of our own; ok is false where it is not answered.
func ask[R kmsg.Response](g *Groups, req kmsg.Request) (resp R, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	answer, err := g.asker.Ask(ctx, req)
	if err != nil {
		return resp, false
	}
	resp, ok = answer.(R)
	return resp, ok
}

// instead is an exchange that kfake has no part in.
func instead[R kmsg.Response](fn func(R)) (answers.Exchange, bool) {
	return answers.Exchange{Instead: true, Complete: func(resp kmsg.Response) { fn(resp.(R)) }}, true
}

// isConsumer reports whether a group is one of the consumer protocol.
func (g *Groups) isConsumer(group string) bool {
	if g.isKnown(group) {
		return true
	}
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	a, ok := ask[*kmsg.ConsumerGroupDescribeResponse](g, req)
	if !ok || len(a.Groups) != 1 || a.Groups[0].ErrorCode != 0 {
		return false
	}
	g.note(group)
	return true
}

// consumerHeartbeat has a classic group change before its first member of the consumer
// protocol joins. Any other heartbeat is for a group that has changed: kfake has a
// heartbeat of a stranger change the group for good, or make one.
func (g *Groups) consumerHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) (answers.Exchange, bool) {
	if req.Group == "" {
		return answers.Exchange{}, false
	}
	if req.MemberEpoch != 0 {
		if g.isConsumer(req.Group) {
			return answers.Exchange{}, false
		}
		return instead(func(a *kmsg.ConsumerGroupHeartbeatResponse) {
			text := "Consumer group " + req.Group + " not found."
			a.ErrorCode, a.ErrorMessage = kerr.GroupIDNotFound.Code, &text
		})
	}
	if err := g.upgrade(req.Group); err != nil {
		return instead(func(a *kmsg.ConsumerGroupHeartbeatResponse) { a.ErrorCode = err.Code })
	}
	return answers.Exchange{Complete: func(resp kmsg.Response) {
		if resp.(*kmsg.ConsumerGroupHeartbeatResponse).ErrorCode == 0 {
			g.note(req.Group)
		}
	}}, true
}
