package message

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Headers of requests and replies, as NestJS's Kafka transport names them.
const (
	HeaderCorrelation    = "kafka_correlationId"
	HeaderReplyTopic     = "kafka_replyTopic"
	HeaderReplyPartition = "kafka_replyPartition"
	HeaderError          = "kafka_nest-err"
	HeaderDisposed       = "kafka_nest-is-disposed"
)

// HeaderExpires is on a request: when its sender stops waiting for the answer, in
// milliseconds since the epoch, in decimal, by the sender's clock. A peer may leave it
// out; then the request never expires.
const HeaderExpires = "expiresAt"

// Headers of events: CloudEvents' binary mode in its Kafka binding.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderType        = "ce_type"
	HeaderSource      = "ce_source"
	HeaderTime        = "ce_time"
	HeaderContentType = "content-type"
)

// Headers of the trace, as W3C names them.
const (
	HeaderTraceparent = "traceparent"
	HeaderTracestate  = "tracestate"
)

// Headers that a dead letter carries on top of the original ones. A message
// that was replayed and failed again carries only those of its last failure.
const (
	// DeadTopic, DeadPartition and DeadOffset (decimal) are where the message
	// was read.
	DeadTopic     = "dlq_topic"
	DeadPartition = "dlq_partition"
	DeadOffset    = "dlq_offset"
	// DeadAttempts is how often the handler was called, in decimal; "0" where
	// there was no handler to call.
	DeadAttempts = "dlq_attempts"
	// DeadError is the last error's text, cut at 1 KiB.
	DeadError = "dlq_error"
	// DeadTime is when the service gave up: RFC 3339 in UTC.
	DeadTime = "dlq_time"
	// DeadService is the service that gave up.
	DeadService = "dlq_service"
	// DeadReplayed is on a message that was replayed: the position of its dead letter,
	// as "partition:offset".
	DeadReplayed = "dlq_replayed"
	// DeadOmitted is "value" where the value had to be left out, because the
	// message would not fit with the headers above; it is still at its
	// original position. Absent otherwise.
	DeadOmitted = "dlq_omitted"
	// DeadBatch is on a whole batch that could not be decoded, in place of a
	// message: its offsets, as "first-last". The value is the batch's bytes.
	DeadBatch = "dlq_batch"
)

const jsonContentType = "application/json"

// Values of headers, which all messages share and nothing changes.
var (
	specVersion = []byte("1.0")
	contentType = []byte(jsonContentType)
	// Disposed is the value of HeaderDisposed.
	Disposed = []byte{0}
)

// Header is one header of a message: Key, and Value as bytes.
type Header = kgo.RecordHeader

// Headers are a message's headers in wire order; a key may repeat.
type Headers []Header

// Get returns the value of the last header called key, or "" if there is none.
func (h Headers) Get(key string) string {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == key {
			return string(h[i].Value)
		}
	}
	return ""
}

// IsJSON reports whether a content type declares a JSON value.
func IsJSON(contentType string) bool {
	if contentType == jsonContentType {
		return true
	}
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == jsonContentType || strings.HasSuffix(mediaType, "+json")
}
