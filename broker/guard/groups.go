package guard

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/live"
	"axion/broker/membership"
)

// noteMembers keeps what a request of a group protocol, and its response, say of members.
func noteMembers(c *client, req frame.Request, f []byte, parsed kmsg.Request) {
	if groups := shareGroups(parsed); groups != nil {
		c.onResponse(req, &sharing{
			Request: req, notes: c.notes, groups: groups, acknowledged: acknowledged(c.Cluster, parsed), resets: resets(parsed),
		})
		return
	}
	member := membership.Client{ID: frame.ClientID(f), Host: c.peer.String(), Local: c.own}
	if note := c.Joined.Follow(member, parsed); note != nil {
		c.onResponse(req, noting{key: req.Key, version: req.Version, note: note})
	}
}

// noting notes a response before the client gets it.
type noting struct {
	key, version int16
	note         func(kmsg.Response)
}

// complete implements responseHook.
func (n noting) complete(p []byte) ([]byte, error) {
	resp, _, err := frame.DecodeResponse(p, n.key, n.version)
	if err != nil {
		return nil, err
	}
	n.note(resp)
	return p, nil
}

// shareGroups are the share groups whose offsets a request may move.
func shareGroups(req kmsg.Request) (groups []string) {
	switch r := req.(type) {
	case *kmsg.ShareFetchRequest:
		if r.GroupID != nil && len(r.Topics) > 0 { // else it acknowledges nothing, and begins nothing
			groups = append(groups, *r.GroupID)
		}
	case *kmsg.ShareAcknowledgeRequest:
		if r.GroupID != nil {
			groups = append(groups, *r.GroupID)
		}
	case *kmsg.AlterShareGroupOffsetsRequest:
		groups = append(groups, r.GroupID)
	case *kmsg.DeleteShareGroupOffsetsRequest:
		groups = append(groups, r.GroupID)
	case *kmsg.DeleteGroupsRequest:
		groups = r.Groups
	}
	return groups
}

// resets reports whether a request has a share group begin elsewhere: what it had
// acknowledged behind that is so no more.
func resets(req kmsg.Request) bool {
	switch req.(type) {
	case *kmsg.AlterShareGroupOffsetsRequest, *kmsg.DeleteShareGroupOffsetsRequest:
		return true
	}
	return false
}

// acknowledged are the records that a request says are dealt with.
func acknowledged(cluster *live.Cluster, req kmsg.Request) membership.Acknowledged {
	all := make(membership.Acknowledged)
	switch r := req.(type) {
	case *kmsg.ShareFetchRequest:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				for _, batch := range p.AcknowledgementBatches {
					all.Add(cluster.TopicName("", t.TopicID), p.Partition, batch.FirstOffset, batch.LastOffset, batch.AcknowledgeTypes)
				}
			}
		}
	case *kmsg.ShareAcknowledgeRequest:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				for _, batch := range p.AcknowledgementBatches {
					all.Add(cluster.TopicName("", t.TopicID), p.Partition, batch.FirstOffset, batch.LastOffset, batch.AcknowledgeTypes)
				}
			}
		}
	}
	return all
}

// sharing notes where share groups go on, and what behind that is acknowledged, before
// the client gets an answer.
type sharing struct {
	frame.Request
	notes        *notes
	groups       []string
	acknowledged membership.Acknowledged
	resets       bool
}

// complete implements responseHook.
func (s *sharing) complete(p []byte) ([]byte, error) {
	if len(s.acknowledged) > 0 {
		resp, _, err := frame.DecodeResponse(p, s.Key, s.Version)
		if err != nil {
			return nil, err
		}
		s.refused(resp)
	}
	ctx, cancel := s.notes.context()
	defer cancel()
	s.notes.sharing.Lock() // so that what is noted last is what was asked for last
	defer s.notes.sharing.Unlock()
	for _, group := range s.groups {
		if starts, err := s.notes.Admin.ShareStarts(ctx, group); err == nil {
			s.notes.Joined.Share(group, starts, s.acknowledged, s.resets)
		}
	}
	return p, nil
}

// refused forgets the acknowledgements that the answer refuses.
func (s *sharing) refused(resp kmsg.Response) {
	refused := func(topic [16]byte, partition int32, code int16) {
		if code != 0 {
			delete(s.acknowledged[s.notes.Cluster.TopicName("", topic)], partition)
		}
	}
	switch a := resp.(type) {
	case *kmsg.ShareFetchResponse:
		if a.ErrorCode != 0 {
			clear(s.acknowledged)
		}
		for _, t := range a.Topics {
			for _, p := range t.Partitions {
				refused(t.TopicID, p.Partition, p.AcknowledgeErrorCode)
			}
		}
	case *kmsg.ShareAcknowledgeResponse:
		if a.ErrorCode != 0 {
			clear(s.acknowledged)
		}
		for _, t := range a.Topics {
			for _, p := range t.Partitions {
				refused(t.TopicID, p.Partition, p.ErrorCode)
			}
		}
	}
}
