package broker

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// refused is the answer about one topic.
type refused struct {
	code    int16
	message string
}

// completion changes an answer, or what becomes of it.
type completion interface {
	complete(p []byte) ([]byte, error)
}

// refusal is what the guard adds to kfake's answer to one request.
type refusal struct {
	key, version int16
	topics       map[string]refused
}

// complete returns the answer p with the refused topics in it.
func (r refusal) complete(p []byte) ([]byte, error) {
	resp, body, err := readAnswer(p, r.key, r.version)
	if err != nil {
		return nil, err
	}
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		r.metadata(a)
	case *kmsg.CreateTopicsResponse:
		r.create(a)
	case *kmsg.CreatePartitionsResponse:
		r.grow(a)
	}
	return answerAgain(p[:body], resp), nil
}

// readAnswer reads a whole answer, and tells where its body starts.
func readAnswer(p []byte, key, version int16) (resp kmsg.Response, body int, err error) {
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

// answerAgain writes an answer anew behind its header.
func answerAgain(head []byte, resp kmsg.Response) []byte {
	out := resp.AppendTo(append([]byte(nil), head...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out
}

// metadata: kfake has answered that it does not know the topics.
func (r refusal) metadata(a *kmsg.MetadataResponse) {
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
func (r refusal) create(a *kmsg.CreateTopicsResponse) {
	retention.RevealCreated(a)
	for name, no := range r.topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}

// grow: kfake was not asked for the topics.
func (r refusal) grow(a *kmsg.CreatePartitionsResponse) {
	for name, no := range r.topics {
		topic := kmsg.NewCreatePartitionsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}
