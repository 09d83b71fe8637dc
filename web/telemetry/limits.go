package telemetry

import (
	"bytes"
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// maxFields bounds the fields of a request: decoded, each takes some hundred
	// bytes, however few it has on the wire.
	maxFields = 100_000
	// maxNesting is how deep fields are looked for, which is deeper than OTLP goes.
	maxNesting = 16
	// maxDecoding bounds the requests that are decoded at once, over HTTP and gRPC.
	maxDecoding = 2
	// maxReading bounds what all requests hold that wait to be decoded, in bytes.
	maxReading = 64 << 20
	// readTimeout bounds how long a sender may take over one request.
	readTimeout = 15 * time.Second
)

var errFields = &refusal{http.StatusRequestEntityTooLarge,
	"too many spans, log records, attributes or events in one request: send fewer at once"}

// checkFields refuses protobuf with more fields than are decoded into m.
func checkFields(b []byte, m proto.Message) error {
	if left := maxFields; !count(b, m.ProtoReflect().Descriptor(), 0, &left) {
		return errFields
	}
	return nil
}

// checkJSON is checkFields for JSON, in which each value of OTLP's is an object.
func checkJSON(b []byte) error {
	if bytes.Count(b, []byte("{"))+bytes.Count(b, []byte("[")) > maxFields {
		return errFields
	}
	return nil
}

// count takes the fields of a message, and of those in it, from left, and reports
// whether there were enough. What is no such message is for decoding to refuse.
func count(b []byte, of protoreflect.MessageDescriptor, depth int, left *int) bool {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return true
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return true
		}
		if *left--; *left < 0 {
			return false
		}
		field := of.Fields().ByNumber(number)
		if kind == protowire.BytesType && field != nil && field.Message() != nil && depth < maxNesting {
			inner, _ := protowire.ConsumeBytes(b)
			if !count(inner, field.Message(), depth+1, left) {
				return false
			}
		}
		b = b[n:]
	}
	return true
}

// intake bounds the requests of all senders that are not taken into the store yet. A
// slot to decode is asked for only by a request that is there as a whole, so that a
// sender that stops half way keeps nobody waiting. It is safe for concurrent use.
type intake struct {
	slots chan struct{} // one for each request that is being decoded
	held  atomic.Int64  // bytes of requests
}

func newIntake() *intake { return &intake{slots: make(chan struct{}, maxDecoding)} }

// hold counts n bytes more, until they are released, and reports whether there is room
// for them.
func (i *intake) hold(n int) bool { return i.held.Add(int64(n)) <= maxReading }

// release ends the hold of n bytes.
func (i *intake) release(n int) { i.held.Add(-int64(n)) }

// acquire waits for a slot to decode, until ctx ends. [intake.releaseSlot] gives it back.
func (i *intake) acquire(ctx context.Context) error {
	select {
	case i.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *intake) releaseSlot() { <-i.slots }
