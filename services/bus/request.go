package bus

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Call is one request and where its answer goes.
type Call struct {
	// Topic is the answering service's, in [contract.Topic], or the pattern topic
	// of the request. Where nobody listens on the former but somebody does on the
	// latter, as a NestJS service that does not know of axion, the request goes
	// there. Required.
	Topic string
	// Service is who should answer, for the error that says it did not.
	Service string
	// ID tells the request from all others, to those who look for its answer later: see
	// [Bus.Answers]. Empty: a new one.
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
	// before Request returns: with the JSON form of its value, as [Message.Data]
	// is. It is not called for an answer that is null. Nil: all but the last part
	// are dropped.
	Part func(data json.RawMessage)
	// Headers gives further headers of the request, such as a signature, by the value as
	// it is sent, each time that it is. Nil: none.
	Headers func(value []byte) []Header
	// Accept looks at the answer before Out takes it; its error is Request's. It is not
	// called for an answer that is an error. Nil: every answer is taken.
	Accept func(value []byte, h Headers) error
}

// Request asks another service and waits for its answer; of an answer in
// several parts, Out takes the last. It fails with a [TimeoutError] when ctx's
// deadline (or the bus's timeout) passes, with a [RemoteError] when the service
// answers with one, with [ErrTooLarge], and with [ErrClosed]. The request carries the
// time at which this wait ends, and a service drops what comes to it later; one that
// had begun before, or knows nothing of that, may still act on it.
func (b *Bus) Request(ctx context.Context, c Call) error {
	value, err := c.encode()
	if err != nil {
		return fmt.Errorf("request %s: %w", c.Type, err)
	}
	ctx, span := b.start(ctx, "request ", c.Type, trace.SpanKindClient)
	defer span.End()
	if span.IsRecording() {
		describe(span, c.Topic, "", keyBytes(c.Key), len(value))
		span.SetAttributes(attribute.String("messaging.operation.name", "request"), attribute.String("messaging.operation.type", "send"),
			attribute.String("peer.service", c.Service))
	}
	began, limit := time.Now(), b.patience(ctx)
	r, err := b.ask(ctx, &c, value, span, began, limit)
	defer func() { b.meter.requested(c.Topic, time.Since(began), err) }()
	for isDeleted(err) && time.Since(began) < limit { // it went nowhere, and kgo is being told of the new topic
		sleep(ctx, forgetTime)
		r, err = b.ask(ctx, &c, value, span, began, limit)
	}
	if err != nil {
		return note(span, err)
	}
	if r != nil && c.Accept != nil {
		if err := c.Accept(r.Value, r.Headers); err != nil {
			return note(span, fmt.Errorf("answer of %s to %s: %w", named(c.Service), c.Type, err))
		}
	}
	if c.Out == nil || r == nil {
		return nil
	}
	if err := decode(r.Value, isJSON(Headers(r.Headers).Get(headerContentType)), c.Out); err != nil {
		return note(span, fmt.Errorf("decode answer of %s to %s: %w", named(c.Service), c.Type, err))
	}
	return nil
}

func (c *Call) encode() ([]byte, error) {
	if err := checkTopic(c.Topic); err != nil {
		return nil, err
	}
	value, err := nestValue(c.In)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return value, checkSize(len(value) + len(c.Key) + len(c.Type))
}

// ask sends the request and waits for the record that answers it, until limit has
// passed since it began. Where nobody listens, it sends it again to where somebody
// does.
func (b *Bus) ask(ctx context.Context, c *Call, value []byte, span trace.Span, began time.Time, limit time.Duration) (*kgo.Record, error) {
	id := cmp.Or(c.ID, NewRequestID())
	pause := lookFirst
	p := b.calls.add(id, c.Part != nil, began.Add(min(pause, limit)))
	defer b.calls.remove(id)
	topic, expires := b.topicOf(c), expiry(ctx, began, limit)
	acknowledge := p.acknowledge
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.message.conversation_id", id))
		acknowledge = func(r *kgo.Record, err error) {
			if err == nil {
				span.SetAttributes(attribute.String("messaging.destination.name", r.Topic))
				acked(span, r)
			}
			p.acknowledge(r, err)
		}
	}
	b.sends.send(b.requestRecord(ctx, c, topic, id, expires, value), acknowledge)
	for {
		select {
		case <-p.changed:
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, fmt.Errorf("request %s on %s: %w", c.Type, topic, ctx.Err())
			}
			return nil, p.late(c, topic, began)
		}
		is := p.take()
		handParts(is.parts, c.Part)
		if is.answer != nil {
			return b.answered(c, is.answer)
		}
		if !is.due {
			continue
		}
		left := limit - time.Since(began)
		if left <= 0 {
			return nil, p.late(c, topic, began)
		}
		if to := b.reroute(ctx, c, topic, left); to != "" {
			topic = to
			b.sends.send(b.requestRecord(ctx, c, topic, id, expires, value), acknowledge)
		}
		pause = min(2*pause, lookMax)
		b.calls.postpone(p, time.Now().Add(min(pause, limit-time.Since(began))))
	}
}

// late is the error of a call that got no answer in time.
func (c *call) late(of *Call, topic string, began time.Time) error {
	return &TimeoutError{
		Topic: topic, Service: of.Service, Type: of.Type, After: time.Since(began), Accepted: c.accepted.Load(),
	}
}

// answered gives an answer's record or error.
func (b *Bus) answered(c *Call, a *answer) (*kgo.Record, error) {
	if a.err != nil {
		return nil, fmt.Errorf("request %s on %s: %w", c.Type, c.Topic, b.produceError(a.err))
	}
	if a.refused {
		return nil, newRemoteError(c, a.reason)
	}
	return a.record, nil
}

// expiry is when the wait for an answer ends: in milliseconds since the epoch, as text.
func expiry(ctx context.Context, began time.Time, limit time.Duration) []byte {
	at, ok := ctx.Deadline()
	if !ok {
		at = began.Add(limit)
	}
	return strconv.AppendInt(nil, at.UnixMilli(), 10)
}

func (b *Bus) requestRecord(ctx context.Context, c *Call, topic, id string, expires, value []byte) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, 7)
	headers = append(headers,
		kgo.RecordHeader{Key: headerCorrelation, Value: []byte(id)},
		kgo.RecordHeader{Key: headerReplyTopic, Value: b.replyTopic},
		kgo.RecordHeader{Key: headerReplyPartition, Value: strconv.AppendInt(nil, int64(b.calls.partition.Load()), 10)},
		kgo.RecordHeader{Key: HeaderExpires, Value: expires},
	)
	if c.Type != "" {
		headers = append(headers, kgo.RecordHeader{Key: headerType, Value: []byte(c.Type)})
	}
	if c.Headers != nil {
		headers = append(headers, c.Headers(value)...)
	}
	return &kgo.Record{
		Topic: topic, Partition: anyPartition, Key: keyBytes(c.Key), Value: value,
		Headers: inject(ctx, headers),
	}
}

// NewRequestID makes a [Call.ID]: 21 hexadecimal characters, as NestJS does. They need
// be unique, not secret: who can read the reply topic can read the replies.
func NewRequestID() string {
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
