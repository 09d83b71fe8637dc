package message

import (
	"context"
	"iter"

	"axion/services/contract"
)

// Handler handles one message. For an event the value is ignored; for a request it
// is the answer, encoded as a request is, or an [Answer], or a [Stream].
//
// An event's error makes the bus try again, as its options say, and then put the
// event on the dead-letter topic; a [Permanent] one does so at once. A request's
// error is answered at once, unless it is [Retriable]; the caller sees its text only
// if it is Permanent or has a method Public() string, else "Internal server error".
// A panic counts as an error. ctx carries the trace, and is cancelled only when the
// bus has stopped waiting for the handler.
type Handler func(ctx context.Context, m *Message) (any, error)

// Answer is an answer with headers of its own, which a request's handler may return in
// place of its value. It is no part of a [Stream].
type Answer struct {
	// Value is encoded as a request is.
	Value any
	// Headers returns the headers for the value as it is sent. Nil: none.
	Headers func(value []byte) []Header
}

// Stream is an answer in several parts, which a request's handler returns in place of
// one value: each that it yields is a record of its own to the caller, in order,
// encoded as a request is. An error ends it, and the caller gets it after the parts
// before. It counts as part of the handler, but is not tried again.
type Stream iter.Seq2[any, error]

// PatternTypes returns the request types of a service by their pattern topics.
func PatternTypes(service string) map[string]string {
	types := make(map[string]string)
	for _, typ := range contract.Requests()[service] {
		types[contract.PatternTopic(service, typ)] = typ
	}
	return types
}
