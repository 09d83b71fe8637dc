package broker

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

// noteMembers keeps what a request of a group protocol, and its answer, say of members.
func (g *guarded) noteMembers(req request, frame []byte, parsed kmsg.Request) {
	if groups := shared(parsed); groups != nil {
		g.answerWith(req, sharing{front: g.front, groups: groups})
		return
	}
	client := membership.Client{
		ID: clientID(frame), Host: g.RemoteAddr().String(), Local: g.RemoteAddr().Network() == memoryAddr{}.Network(),
	}
	if answered := g.front.joined.Follow(client, parsed); answered != nil {
		g.answerWith(req, noting{key: req.key, version: req.version, answered: answered})
	}
}

// clientID is that of a frame, whose header was checked.
func clientID(frame []byte) string {
	const at = prefix + minHead
	n := int(int16(binary.BigEndian.Uint16(frame[at-2:])))
	if n <= 0 || at+n > len(frame) {
		return ""
	}
	return string(frame[at : at+n])
}

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

// sharing notes where share groups go on, before the client gets an answer.
type sharing struct {
	front  *front
	groups []string
}

// complete implements completion.
func (s sharing) complete(p []byte) ([]byte, error) {
	ctx, cancel := s.front.noteContext()
	defer cancel()
	for _, group := range s.groups {
		if starts, err := s.front.broker.admin.shareStarts(ctx, group); err == nil {
			s.front.joined.Share(group, starts)
		}
	}
	return p, nil
}

// shareStarts are where a share group goes on.
func (a *Admin) shareStarts(ctx context.Context, group string) (membership.Starts, error) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	about := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	about.GroupID = group
	req.Groups = append(req.Groups, about)
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return nil, fmt.Errorf("share group %s: %w", group, err)
	}
	starts := make(membership.Starts)
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 || p.StartOffset < 0 {
					continue
				}
				if starts[t.Topic] == nil {
					starts[t.Topic] = make(map[int32]int64)
				}
				starts[t.Topic][p.Partition] = p.StartOffset
			}
		}
	}
	return starts, nil
}

// noting notes an answer before the client gets it.
type noting struct {
	key, version int16
	answered     func(kmsg.Response)
}

// complete implements completion.
func (n noting) complete(p []byte) ([]byte, error) {
	resp, _, err := readAnswer(p, n.key, n.version)
	if err != nil {
		return nil, err
	}
	n.answered(resp)
	return p, nil
}
