package requester

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"axion/services/bus/message"
)

// Call is one request and where its answer goes.
type Call struct {
	// Topic is the answering service's, in [contract.Topic], or the pattern topic
	// of the request. Where no group subscribes to the former but one does to the
	// latter, as a NestJS service that does not know of axion, the request goes
	// there. Required.
	Topic string
	// Service is who should answer, for the error that says it did not.
	Service string
	// ID distinguishes the request from all others, to those who look for its answer later: see
	// [Requester.Answers]. Empty: a new one.
	ID string
	// Type is the request type. Empty only for a NestJS peer, whose topics
	// are the types.
	Type string
	// Key is the project id; requests of one key are handled in order. Empty:
	// no order.
	Key string
	// In is the request: strings go bare, all else as JSON. Nil: no value, for
	// which a NestJS peer's handler is given the whole raw message.
	In any
	// Out takes the answer, as [json.Unmarshal] would: null changes nothing in
	// a struct. Nil: the answer is dropped.
	Out any
	// Part is called with each part of an answer, the last one too, in order and
	// before Request returns: with the JSON form of its value, as [message.Message.Data]
	// is. It is not called for an answer that is null. Nil: all but the last part
	// are dropped.
	Part func(data json.RawMessage)
	// Headers gives further headers of the request, such as a signature, by the value as
	// it is sent, each time that it is. Nil: none.
	Headers func(value []byte) []message.Header
	// Accept checks the answer before Out takes it; its error is Request's. It is not
	// called for an answer that is an error. Nil: every answer is taken.
	Accept func(value []byte, h message.Headers) error
}

// encode checks the call and returns the request's value.
func (c *Call) encode() ([]byte, error) {
	if err := message.CheckTopic(c.Topic); err != nil {
		return nil, err
	}
	value, err := message.EncodeNest(c.In)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return value, message.CheckSize(len(value) + len(c.Key) + len(c.Type))
}

// expiry is when the wait for an answer ends: in milliseconds since the epoch, as text.
func expiry(ctx context.Context, began time.Time, limit time.Duration) []byte {
	at, ok := ctx.Deadline()
	if !ok {
		at = began.Add(limit)
	}
	return strconv.AppendInt(nil, at.UnixMilli(), 10)
}

// NewID makes a [Call.ID]: 21 hexadecimal characters, as NestJS does. They need
// be unique, not secret: a client that can read the reply topic can read the replies.
func NewID() string {
	var raw [11]byte
	var text [22]byte
	high, low := rand.Uint64(), rand.Uint32()
	for i := range 8 {
		raw[i] = byte(high >> (8 * i))
	}
	for i := range 3 {
		raw[8+i] = byte(low >> (8 * i))
	}
	hex.Encode(text[:], raw[:])
	return string(text[:21])
}
