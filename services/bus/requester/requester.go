// Package requester sends requests to other services and waits for their answers on the
// service's reply topic.
package requester

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/topics"
	"axion/services/bus/tracing"
	"axion/services/contract"
)

// Requester sends a service's requests. It is safe for concurrent use.
type Requester struct {
	conn       *conn.Conn
	pending    pendingRequests
	replyTopic []byte   // where answers come
	routes     sync.Map // topics by Call.route, where they differ from the call's

	reader *undecodable.Reader // of the replies
	read   topics.Progress     // in the reply topic
}

// New returns a requester; reader is a hook of the connection's client. Start comes before
// the first request.
func New(c *conn.Conn, reader *undecodable.Reader) *Requester {
	return &Requester{
		conn: c, reader: reader,
		pending:    pendingRequests{count: &c.Requests, requests: make(map[string]*pendingRequest)},
		replyTopic: []byte(contract.ReplyTopic(c.Service)),
	}
}

// Close fails the requests that wait for an answer, and those to come, with err.
func (q *Requester) Close(err error) { q.pending.end(err) }

// Request asks another service and waits for its answer; of an answer in
// several parts, Out takes the last. It fails with a [message.TimeoutError] when ctx's
// deadline (or the connection's timeout) passes, with a [message.RemoteError] when the
// service answers with one, with [message.ErrTooLarge], and with [message.ErrClosed]. The
// request carries the time at which this wait ends, and a service drops what comes to it
// later; one that had begun before, or does not read that time, may still act on it.
func (q *Requester) Request(ctx context.Context, c Call) error {
	value, err := c.encode()
	if err != nil {
		return fmt.Errorf("request %s: %w", c.Type, err)
	}
	ctx, span := q.conn.Tracer.Start(ctx, "request ", c.Type, trace.SpanKindClient)
	defer span.End()
	if span.IsRecording() {
		tracing.Describe(span, c.Topic, "", message.KeyBytes(c.Key), len(value))
		span.SetAttributes(attribute.String("messaging.operation.name", "request"), attribute.String("messaging.operation.type", "send"),
			attribute.String("peer.service", c.Service))
	}
	began, limit := time.Now(), q.conn.Timeout(ctx)
	r, err := q.sendAndWait(ctx, &c, value, span, began, limit)
	defer func() { q.conn.Meter.Requested(c.Topic, time.Since(began), err) }()
	for conn.IsDeleted(err) && time.Since(began) < limit { // it went nowhere, and kgo is about to purge the old topic
		conn.Sleep(ctx, conn.PurgeDelay)
		r, err = q.sendAndWait(ctx, &c, value, span, began, limit)
	}
	if err != nil {
		return tracing.RecordError(span, err)
	}
	if r != nil && c.Accept != nil {
		if err := c.Accept(r.Value, r.Headers); err != nil {
			return tracing.RecordError(span, fmt.Errorf("answer of %s to %s: %w", message.ResponderName(c.Service), c.Type, err))
		}
	}
	if c.Out == nil || r == nil {
		return nil
	}
	if err := message.Decode(r.Value, message.IsJSON(message.Headers(r.Headers).Get(message.HeaderContentType)), c.Out); err != nil {
		return tracing.RecordError(span, fmt.Errorf("decode answer of %s to %s: %w", message.ResponderName(c.Service), c.Type, err))
	}
	return nil
}

// sendAndWait sends the request and waits for the record that answers it, until limit has
// passed since it began. Where no group subscribes to the topic, it sends it again to the
// one that a group subscribes to.
func (q *Requester) sendAndWait(
	ctx context.Context, c *Call, value []byte, span trace.Span, began time.Time, limit time.Duration,
) (*kgo.Record, error) {
	id := cmp.Or(c.ID, NewID())
	delay := firstProbe
	p := q.pending.add(id, c.Part != nil, began.Add(min(delay, limit)))
	defer q.pending.remove(id)
	topic, expires := q.TopicOf(c), expiry(ctx, began, limit)
	acknowledge := p.acknowledge
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.message.conversation_id", id))
		acknowledge = func(r *kgo.Record, err error) {
			if err == nil {
				span.SetAttributes(attribute.String("messaging.destination.name", r.Topic))
				tracing.SetPosition(span, r)
			}
			p.acknowledge(r, err)
		}
	}
	q.conn.Queue(q.requestRecord(ctx, c, topic, id, expires, value), acknowledge)
	for {
		select {
		case <-p.changed:
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, fmt.Errorf("request %s on %s: %w", c.Type, topic, ctx.Err())
			}
			return nil, p.timeoutError(c, topic, began)
		}
		is := p.changes()
		deliverParts(is.parts, c.Part)
		if is.reply != nil {
			return q.answer(c, is.reply)
		}
		if !is.due {
			continue
		}
		left := limit - time.Since(began)
		if left <= 0 {
			return nil, p.timeoutError(c, topic, began)
		}
		if to := q.findListener(ctx, c, topic, left); to != "" {
			topic = to
			q.conn.Queue(q.requestRecord(ctx, c, topic, id, expires, value), acknowledge)
		}
		delay = min(2*delay, maxProbe)
		q.pending.postpone(p, time.Now().Add(min(delay, limit-time.Since(began))))
	}
}

// answer returns a reply's record or error.
func (q *Requester) answer(c *Call, r *reply) (*kgo.Record, error) {
	if r.err != nil {
		return nil, fmt.Errorf("request %s on %s: %w", c.Type, c.Topic, q.conn.ProduceError(r.err))
	}
	if r.refused {
		return nil, message.NewRemoteError(c.Topic, c.Service, c.Type, r.reason)
	}
	return r.record, nil
}

// requestRecord is the request on the wire, with ctx's trace.
func (q *Requester) requestRecord(ctx context.Context, c *Call, topic, id string, expires, value []byte) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, 7)
	headers = append(headers,
		kgo.RecordHeader{Key: message.HeaderCorrelation, Value: []byte(id)},
		kgo.RecordHeader{Key: message.HeaderReplyTopic, Value: q.replyTopic},
		kgo.RecordHeader{Key: message.HeaderReplyPartition, Value: strconv.AppendInt(nil, int64(q.pending.partition.Load()), 10)},
		kgo.RecordHeader{Key: message.HeaderExpires, Value: expires},
	)
	if c.Type != "" {
		headers = append(headers, kgo.RecordHeader{Key: message.HeaderType, Value: []byte(c.Type)})
	}
	if c.Headers != nil {
		headers = append(headers, c.Headers(value)...)
	}
	return &kgo.Record{
		Topic: topic, Partition: message.AnyPartition, Key: message.KeyBytes(c.Key), Value: value,
		Headers: tracing.Inject(ctx, headers),
	}
}
