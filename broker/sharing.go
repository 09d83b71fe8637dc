package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

// shared are the share groups whose offsets a request may move.
func shared(req kmsg.Request) (groups []string) {
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
func (b *Broker) acknowledged(req kmsg.Request) membership.Acknowledged {
	all := make(membership.Acknowledged)
	switch r := req.(type) {
	case *kmsg.ShareFetchRequest:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				for _, batch := range p.AcknowledgementBatches {
					all.Add(b.topicNames.of(b, "", t.TopicID), p.Partition, batch.FirstOffset, batch.LastOffset, batch.AcknowledgeTypes)
				}
			}
		}
	case *kmsg.ShareAcknowledgeRequest:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				for _, batch := range p.AcknowledgementBatches {
					all.Add(b.topicNames.of(b, "", t.TopicID), p.Partition, batch.FirstOffset, batch.LastOffset, batch.AcknowledgeTypes)
				}
			}
		}
	}
	return all
}

// sharing notes where share groups go on, and what behind that is acknowledged, before
// the client gets an answer.
type sharing struct {
	request
	listener     *guardedListener
	groups       []string
	acknowledged membership.Acknowledged
	resets       bool
}

// complete implements responseHook.
func (s *sharing) complete(p []byte) ([]byte, error) {
	if len(s.acknowledged) > 0 {
		resp, _, err := decodeResponse(p, s.key, s.version)
		if err != nil {
			return nil, err
		}
		s.refused(resp)
	}
	ctx, cancel := s.listener.noteContext()
	defer cancel()
	s.listener.sharing.Lock() // so that what is noted last is what was asked for last
	defer s.listener.sharing.Unlock()
	for _, group := range s.groups {
		if starts, err := s.listener.broker.admin.ShareStarts(ctx, group); err == nil {
			s.listener.joined.Share(group, starts, s.acknowledged, s.resets)
		}
	}
	return p, nil
}

// refused forgets the acknowledgements that the answer refuses.
func (s *sharing) refused(resp kmsg.Response) {
	b := s.listener.broker
	refused := func(topic [16]byte, partition int32, code int16) {
		if code != 0 {
			delete(s.acknowledged[b.topicNames.of(b, "", topic)], partition)
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
