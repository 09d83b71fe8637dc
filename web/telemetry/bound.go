package telemetry

import (
	"bytes"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
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
	// maxDecoding bounds the requests over HTTP that are decoded at once.
	maxDecoding = 2
	// maxReading bounds what all requests over HTTP hold that are read, in bytes.
	maxReading = 64 << 20
)

var errFields = &refusal{http.StatusRequestEntityTooLarge, "too many spans, log records, attributes or events in one request: send fewer at once"}

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

// codec decodes what gRPC receives, within the same bounds.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(proto.Message); ok {
		if err := checkFields(data.Materialize(), m); err != nil {
			return status.Error(codes.ResourceExhausted, err.Error())
		}
	}
	return c.CodecV2.Unmarshal(data, v)
}
