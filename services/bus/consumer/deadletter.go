package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"

	"axion/services/bus/conn"
	"axion/services/bus/deadletter"
	"axion/services/bus/message"
	"axion/services/bus/topics"
)

// deadLetter puts a message on the dead-letter topic and waits until it is there. It
// reports false when the partition was revoked before: then the message must
// not be committed.
func (h processor) deadLetter(ctx context.Context, m *message.Message, cause error) bool {
	c := h.p.s.conn
	ctx, span := c.Tracer.StartChild(ctx, "dead-letter", m.Type)
	defer span.End()
	record := deadletter.Record(ctx, c.Service, m, cause)
	delays := &backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	for {
		err := c.Send(ctx, record, conn.NoTimeout, span)
		if err == nil {
			c.Meter.DeadLettered(m.Topic)
			c.Log.ErrorContext(ctx, "message put on the dead-letter topic", "type", m.Type, "id", m.ID, "topic", m.Topic,
				"partition", m.Partition, "offset", m.Offset, "attempts", m.Attempt, "error", cause)
			return true
		}
		if h.p.ctx.Err() != nil || errors.Is(err, message.ErrClosed) {
			return false
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) { // it was deleted
			err = errors.Join(err, topics.Ensure(ctx, c, c.OwnTopics()))
		}
		// A record serves for one produce only.
		record = deadletter.Record(ctx, c.Service, m, cause)
		if errors.Is(err, kerr.MessageTooLarge) {
			deadletter.OmitValue(record)
		}
		c.Log.WarnContext(ctx, "dead letter not accepted; trying again", "id", m.ID, "error", err)
		if !h.wait(delays.NextBackOff()) {
			return false
		}
	}
}
