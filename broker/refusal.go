package broker

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// refused is the answer about one topic.
type refused struct {
	code    int16
	message string
}

// refusal is what the guard adds to kfake's answer to one request.
type refusal struct {
	key, version int16
	topics       map[string]refused
}

// complete returns the answer p with the refused topics in it.
func (r refusal) complete(p []byte) ([]byte, error) {
	resp := kmsg.ResponseForKey(r.key)
	resp.SetVersion(r.version)
	body := prefix + 4
	if resp.IsFlexible() {
		body++ // the header's tagged fields: kfake sends none
	}
	if len(p) < body {
		return nil, fmt.Errorf("%s answer of %d bytes", kmsg.NameForKey(r.key), len(p))
	}
	if err := resp.ReadFrom(p[body:]); err != nil {
		return nil, fmt.Errorf("%s answer: %w", kmsg.NameForKey(r.key), err)
	}
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		r.metadata(a)
	case *kmsg.CreateTopicsResponse:
		r.create(a)
	case *kmsg.CreatePartitionsResponse:
		r.grow(a)
	}
	out := resp.AppendTo(append([]byte(nil), p[:body]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out, nil
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
