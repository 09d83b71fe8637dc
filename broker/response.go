package broker

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// topicError is the answer about one topic.
type topicError struct {
	code    int16
	message string
}

// responseHook changes an answer, or what becomes of it.
type responseHook interface {
	complete(p []byte) ([]byte, error)
}

// responseRewrite is what the guard adds to kfake's answer to one request.
type responseRewrite struct {
	key, version int16
	topics       map[string]topicError
}

// complete returns the answer p with the refused topics in it.
func (r responseRewrite) complete(p []byte) ([]byte, error) {
	resp, body, err := decodeResponse(p, r.key, r.version)
	if err != nil {
		return nil, err
	}
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		r.metadata(a)
	case *kmsg.CreateTopicsResponse:
		r.create(a)
	case *kmsg.CreatePartitionsResponse:
		r.createPartitions(a)
	}
	return encodeResponse(p[:body], resp), nil
}

// decodeResponse reads a whole answer, and returns where its body starts.
func decodeResponse(p []byte, key, version int16) (resp kmsg.Response, body int, err error) {
	resp = kmsg.ResponseForKey(key)
	resp.SetVersion(version)
	body = bodyOf(resp)
	if len(p) < body {
		return nil, 0, fmt.Errorf("%s answer of %d bytes", kmsg.NameForKey(key), len(p))
	}
	if err := resp.ReadFrom(p[body:]); err != nil {
		return nil, 0, fmt.Errorf("%s answer: %w", kmsg.NameForKey(key), err)
	}
	return resp, body, nil
}

// bodyOf is where the body of an answer starts: behind the header's tagged fields,
// of which kfake sends none.
func bodyOf(resp kmsg.Response) int {
	if resp.IsFlexible() && kmsg.Key(resp.Key()) != kmsg.ApiVersions {
		return prefix + 4 + 1
	}
	return prefix + 4
}

// encodeResponse writes an answer anew behind its header.
func encodeResponse(head []byte, resp kmsg.Response) []byte {
	out := resp.AppendTo(append([]byte(nil), head...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out
}

// metadata: kfake has answered that it does not know the topics.
func (r responseRewrite) metadata(a *kmsg.MetadataResponse) {
	for i := range a.Topics {
		topic := &a.Topics[i]
		if topic.Topic == nil {
			if topic.TopicID != [16]byte{} {
				continue // asked for by id
			}
			topic.Topic = new(string) // kfake leaves an empty name out
		}
		if no, ok := r.topics[*topic.Topic]; ok {
			topic.ErrorCode = no.code
		}
	}
}

// create: kfake was not asked for the topics.
func (r responseRewrite) create(a *kmsg.CreateTopicsResponse) {
	retention.RevealCreated(a)
	for name, no := range r.topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}

// grow: kfake was not asked for the topics.
func (r responseRewrite) createPartitions(a *kmsg.CreatePartitionsResponse) {
	for name, no := range r.topics {
		topic := kmsg.NewCreatePartitionsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}
