// Package frametest writes requests as bytes, for the tests of what reads them.
package frametest

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Correlation is the id of all requests.
const Correlation = 7

// Frame is a request as bytes, with more bytes than fit behind it.
func Frame(key, version int16, clientID string, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, Correlation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(append(b, clientID...), body...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// Request is a request as bytes.
func Request(req kmsg.Request) []byte {
	var body []byte
	if req.IsFlexible() {
		body = append(body, 0)
	}
	return Frame(req.Key(), req.GetVersion(), "test", req.AppendTo(body)...)
}

// Produce is a request to write these bytes to a topic.
func Produce(topic string, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(9)
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Records = records
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}
