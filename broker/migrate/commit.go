package migrate

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/answers"
)

// epochOf is what a member's generation is to kfake.
func (m *member) epochOf(generation int32) (epoch int32, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.anyGeneration || generation == m.generation
}

// oldCommit is below the version from which on kfake takes commits of consumer groups.
const oldCommit = 9

// commit is a member's, by its epoch. A version that kfake does not take for a consumer
// group is sent as a newer one.
func (g *Groups) commit(req *kmsg.OffsetCommitRequest) (answers.Exchange, bool) {
	m := g.member(req.Group, req.MemberID)
	switch {
	case m == nil && req.Version >= oldCommit:
		return answers.Exchange{}, false
	case m == nil:
		return answers.Exchange{Complete: func(resp kmsg.Response) { stranger(resp.(*kmsg.OffsetCommitResponse)) }}, true
	}
	epoch, ok := m.epochOf(req.Generation)
	if !ok {
		epoch = req.Generation // which kfake refuses
		if epoch >= 0 {
			epoch = 1<<31 - 1
		}
	}
	req.Generation = epoch
	if req.Version >= oldCommit {
		return answers.Exchange{Changed: true, Complete: func(resp kmsg.Response) { classicCommit(resp.(*kmsg.OffsetCommitResponse)) }}, true
	}
	newer := *req
	newer.Version = oldCommit
	return instead(func(a *kmsg.OffsetCommitResponse) {
		got, ok := ask[*kmsg.OffsetCommitResponse](g, &newer)
		if ok {
			a.Topics = got.Topics
			classicCommit(a)
			return
		}
		for _, t := range req.Topics {
			topic := kmsg.NewOffsetCommitResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetCommitResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.CoordinatorNotAvailable.Code
				topic.Partitions = append(topic.Partitions, part)
			}
			a.Topics = append(a.Topics, topic)
		}
	})
}

// stranger gets that it is none of the members, before that its version is too old.
func stranger(a *kmsg.OffsetCommitResponse) {
	for i := range a.Topics {
		for j := range a.Topics[i].Partitions {
			if part := &a.Topics[i].Partitions[j]; part.ErrorCode == kerr.UnsupportedVersion.Code {
				part.ErrorCode = kerr.UnknownMemberID.Code
			}
		}
	}
}

func classicCommit(a *kmsg.OffsetCommitResponse) {
	for i := range a.Topics {
		for j := range a.Topics[i].Partitions {
			if part := &a.Topics[i].Partitions[j]; part.ErrorCode != 0 {
				part.ErrorCode = classicError(part.ErrorCode).Code
			}
		}
	}
}

// commitTransaction is a member's commit within a transaction.
func (g *Groups) commitTransaction(req *kmsg.TxnOffsetCommitRequest) (answers.Exchange, bool) {
	m := g.member(req.Group, req.MemberID)
	if m == nil {
		return answers.Exchange{}, false
	}
	epoch, ok := m.epochOf(req.Generation)
	if !ok {
		return answers.Exchange{}, false
	}
	req.Generation = epoch
	return answers.Exchange{Changed: true}, true
}
