package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Stream is an answer in several parts, which a request's handler returns in place of
// one value: each that it yields goes to the caller in a record of its own, in order,
// encoded as [Call.In] is. An error ends it, and the caller gets it after the parts
// before. It counts as part of the handler, but is not tried again.
type Stream iter.Seq2[any, error]

// drainStream sends all parts of a stream but the last, which it returns.
func (p *partition) drainStream(ctx context.Context, m *Message, s Stream) (any, error) {
	return p.call(ctx, m, func(ctx context.Context, m *Message) (any, error) {
		var held any
		holds := false
		for v, err := range s {
			if holds {
				if err := p.sendPart(ctx, m, held); err != nil {
					return nil, err
				}
			}
			if err != nil {
				return nil, err
			}
			held, holds = v, true
		}
		return held, nil
	})
}

// sendPart sends one part of an answer; the reply's end comes after it.
func (p *partition) sendPart(ctx context.Context, m *Message, value any) error {
	b := p.c.bus
	body, err := nestValue(value)
	if err != nil {
		return fmt.Errorf("encode part of the answer: %w", err)
	}
	if err := checkSize(len(body)); err != nil {
		return Permanent(fmt.Errorf("part of the answer: %w", err))
	}
	headers := inject(ctx, append(make([]kgo.RecordHeader, 0, 3), kgo.RecordHeader{Key: headerCorrelation, Value: m.correlation}))
	part := &kgo.Record{Topic: m.replyTopic, Partition: m.replyPartition, Value: body, Headers: headers}
	b.replies.send(part, func(_ *kgo.Record, err error) {
		if err = b.produceError(err); err != nil {
			b.log.Warn("part of a reply not accepted", "type", m.Type, "id", m.ID, "topic", m.replyTopic, "error", err)
		}
	})
	return nil
}

// handParts gives fn the parts of an answer that have come.
func handParts(parts []*kgo.Record, fn func(json.RawMessage)) {
	for _, r := range parts {
		fn(dataOf(r.Value, isJSON(Headers(r.Headers).Get(headerContentType))))
	}
}
