package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus/message"
	"axion/services/bus/tracing"
)

// reply answers a request. The key's next message does not wait for the
// broker to acknowledge the reply; the commit does.
func (h processor) reply(ctx context.Context, it *item, m *message.Message, fn message.Handler, span trace.Span) {
	c := h.p.s.conn
	began := time.Now()
	handling, cancel := withExpiry(ctx, m)
	defer cancel()
	value, err := h.try(handling, m, unexpired(fn), message.IsRetriable)
	if s, ok := value.(message.Stream); ok && err == nil {
		value, err = h.drainStream(handling, m, s)
	}
	if h.interrupted(err) {
		return
	}
	err = h.reportExpired(ctx, m, err)
	c.Meter.Processed(m.Topic, time.Since(began), err)
	h.p.acquire()
	ctx, replySpan := c.Tracer.StartChild(ctx, "reply", m.Type)
	record := h.replyRecord(ctx, m, value, tracing.RecordError(span, err))
	tracing.DescribeRecord(replySpan, record)
	c.QueueReply(record, func(sent *kgo.Record, err error) {
		defer h.p.release()
		if err = tracing.RecordError(replySpan, c.ProduceError(err)); err == nil {
			tracing.SetPosition(replySpan, sent)
		}
		replySpan.End()
		if errors.Is(err, message.ErrClosed) {
			return // not answered: the message comes again
		}
		if err != nil { // the reply topic does not exist, say: the caller gets no error
			c.Log.WarnContext(ctx, "reply not accepted", "type", m.Type, "id", m.ID, "topic", m.ReplyTopic, "error", err)
		}
		h.p.finish(it)
	})
}

// drainStream sends all parts of a stream but the last, which it returns.
func (h processor) drainStream(ctx context.Context, m *message.Message, s message.Stream) (any, error) {
	return h.call(ctx, m, func(ctx context.Context, m *message.Message) (any, error) {
		var last any
		pending := false
		for v, err := range s {
			if pending {
				if err := h.sendPart(ctx, m, last); err != nil {
					return nil, err
				}
			}
			if err != nil {
				return nil, err
			}
			last, pending = v, true
		}
		return last, nil
	})
}

// sendPart sends one part of an answer; the reply's end comes after it.
func (h processor) sendPart(ctx context.Context, m *message.Message, value any) error {
	c := h.p.s.conn
	body, err := message.EncodeNest(value)
	if err != nil {
		return fmt.Errorf("encode part of the answer: %w", err)
	}
	if err := message.CheckSize(len(body)); err != nil {
		return message.Permanent(fmt.Errorf("part of the answer: %w", err))
	}
	headers := append(make([]kgo.RecordHeader, 0, 3), kgo.RecordHeader{Key: message.HeaderCorrelation, Value: m.Correlation})
	part := &kgo.Record{Topic: m.ReplyTopic, Partition: m.ReplyPartition, Value: body, Headers: tracing.Inject(ctx, headers)}
	c.QueueReply(part, func(_ *kgo.Record, err error) {
		if err = c.ProduceError(err); err != nil {
			c.Log.Warn("part of a reply not accepted", "type", m.Type, "id", m.ID, "topic", m.ReplyTopic, "error", err)
		}
	})
	return nil
}

// replyRecord is the answer to m: the value, or the error in NestJS's form.
func (h processor) replyRecord(ctx context.Context, m *message.Message, value any, err error) *kgo.Record {
	var body []byte
	a, ok := value.(message.Answer)
	if ok {
		value = a.Value
	}
	if err == nil {
		if body, err = message.EncodeNest(value); err != nil {
			err = fmt.Errorf("encode answer: %w", err)
		} else if err = message.CheckSize(len(body)); err != nil {
			body, err = nil, message.Permanent(fmt.Errorf("answer: %w", err))
		}
	}
	headers := make([]kgo.RecordHeader, 0, 5)
	headers = append(headers,
		kgo.RecordHeader{Key: message.HeaderCorrelation, Value: m.Correlation},
		kgo.RecordHeader{Key: message.HeaderDisposed, Value: message.Disposed},
	)
	switch {
	case err != nil:
		headers = append(headers, kgo.RecordHeader{Key: message.HeaderError, Value: h.errorBody(ctx, m, err)})
	case a.Headers != nil:
		headers = append(headers, a.Headers(body)...)
	}
	return &kgo.Record{
		Topic: m.ReplyTopic, Partition: m.ReplyPartition, Value: body,
		Headers: tracing.Inject(ctx, headers),
	}
}

// errorBody is the error as the caller gets it. An error that is not public is logged.
func (h processor) errorBody(ctx context.Context, m *message.Message, err error) []byte {
	if errors.Is(err, message.ErrNoHandler) {
		return []byte(message.NoMatchingHandler)
	}
	text := message.InternalError
	var public interface{ Public() string }
	if errors.As(err, &public) {
		text = public.Public()
	} else {
		h.p.s.conn.Log.ErrorContext(ctx, "request failed", "type", m.Type, "id", m.ID, "key", m.Key, "attempts", m.Attempt, "error", err)
	}
	body, err := json.Marshal(struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"error", text})
	if err != nil { // strings always marshal
		return []byte(message.InternalError)
	}
	return body
}
