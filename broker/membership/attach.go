package membership

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Attach has the cluster refuse what a member commits by an older epoch for a
// partition that it has given up (KIP-1251). kfake (v0.0.0-20260918) compares epochs of
// partitions that the member has, and takes any other commit: a late one, sent before
// the member was fenced and came back, put the partition's next owner back.
func (j *Journal) Attach(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.OffsetCommitRequest)
		if !j.isStale(c, req) {
			return nil, nil, false
		}
		// All of it, as up to Kafka 4.2: the client commits again by its new epoch.
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range req.Topics {
			topic := kmsg.NewOffsetCommitResponseTopic()
			topic.Topic, topic.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetCommitResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.StaleMemberEpoch.Code
				topic.Partitions = append(topic.Partitions, part)
			}
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
}

// isStale reports whether a commit of an older epoch is for a partition that the member
// does not have.
func (j *Journal) isStale(c *kfake.Cluster, req *kmsg.OffsetCommitRequest) bool {
	if !j.lags(req, nil) {
		return false
	}
	ids := make([]topicID, len(req.Topics))
	for i, t := range req.Topics {
		if ids[i] = t.TopicID; ids[i] == (topicID{}) { // up to version 9
			if topic := c.TopicInfo(t.Topic); topic != nil { // not with mu: it waits for the cluster
				ids[i] = topic.TopicID
			}
		}
	}
	return j.lags(req, ids)
}

// lags reports whether a commit is of an older epoch of its member and, where the ids of
// its topics are given, for a partition that the member does not have.
func (j *Journal) lags(req *kmsg.OffsetCommitRequest, ids []topicID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	g := j.groups[req.Group]
	if g == nil || !g.modern {
		return false
	}
	m := g.members[req.MemberID]
	if m == nil || req.Generation < 0 || req.Generation >= m.Epoch {
		return false
	}
	for i, id := range ids {
		for _, p := range req.Topics[i].Partitions {
			if !slices.Contains(m.Owned[id], p.Partition) && !slices.Contains(m.Pending[id], p.Partition) {
				return true
			}
		}
	}
	return ids == nil
}
