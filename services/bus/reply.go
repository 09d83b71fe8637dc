package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// internalError is what a caller sees of an error that is not meant for it.
const internalError = "Internal server error"

// Answer is an answer with headers of its own, which a request's handler may return in
// place of its value. It is no part of a [Stream].
type Answer struct {
	// Value is encoded as [Call.In] is.
	Value any
	// Headers gives them by the value as it is sent. Nil: none.
	Headers func(value []byte) []Header
}

// replyRecord is the answer to m: the value, or the error in NestJS's form.
func (b *Bus) replyRecord(ctx context.Context, m *Message, value any, err error) *kgo.Record {
	var body []byte
	a, ok := value.(Answer)
	if ok {
		value = a.Value
	}
	if err == nil {
		if body, err = nestValue(value); err != nil {
			err = fmt.Errorf("encode answer: %w", err)
		} else if err = checkSize(len(body)); err != nil {
			body, err = nil, Permanent(fmt.Errorf("answer: %w", err))
		}
	}
	headers := make([]kgo.RecordHeader, 0, 5)
	headers = append(headers,
		kgo.RecordHeader{Key: headerCorrelation, Value: m.correlation},
		kgo.RecordHeader{Key: headerDisposed, Value: oneZero},
	)
	switch {
	case err != nil:
		headers = append(headers, kgo.RecordHeader{Key: headerError, Value: b.errorBody(ctx, m, err)})
	case a.Headers != nil:
		headers = append(headers, a.Headers(body)...)
	}
	return &kgo.Record{
		Topic: m.replyTopic, Partition: m.replyPartition, Value: body,
		Headers: inject(ctx, headers),
	}
}

// errorBody is what the caller is told. What it is not told is logged here.
func (b *Bus) errorBody(ctx context.Context, m *Message, err error) []byte {
	if errors.Is(err, errNoHandler) {
		return []byte(noMatchingHandler)
	}
	message := internalError
	var public interface{ Public() string }
	if errors.As(err, &public) {
		message = public.Public()
	} else {
		b.log.ErrorContext(ctx, "request failed", "type", m.Type, "id", m.ID, "key", m.Key, "attempts", m.Attempt, "error", err)
	}
	body, err := json.Marshal(struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"error", message})
	if err != nil { // strings always marshal
		return []byte(internalError)
	}
	return body
}
