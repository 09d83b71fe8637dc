package bus

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// maxDeadError bounds the error's text in a dead letter, in bytes.
const maxDeadError = 1 << 10

// bury puts a message on the dead-letter topic and waits until it is there. It
// reports false when the partition was given up before: then the message must
// not be committed.
func (p *partition) bury(ctx context.Context, m *Message, cause error) bool {
	b := p.c.bus
	ctx, span := b.continued(ctx, "dead-letter", m.Type)
	defer span.End()
	letter := b.deadLetter(ctx, m, cause)
	pace := &backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	for {
		err := b.send(ctx, letter, forever, span)
		if err == nil {
			b.meter.buried(m.Topic)
			b.log.ErrorContext(ctx, "message put on the dead-letter topic", "type", m.Type, "id", m.ID, "topic", m.Topic,
				"partition", m.Partition, "offset", m.Offset, "attempts", m.Attempt, "error", cause)
			return true
		}
		if p.ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return false
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) { // somebody deleted it
			err = errors.Join(err, b.ensureTopics(ctx, b.ownTopics()))
		}
		// A record serves for one produce only.
		letter = b.deadLetter(ctx, m, cause)
		if errors.Is(err, kerr.MessageTooLarge) {
			omitValue(letter)
		}
		b.log.WarnContext(ctx, "dead letter not accepted; trying again", "id", m.ID, "error", err)
		if !p.wait(pace.NextBackOff()) {
			return false
		}
	}
}

// deadLetter is the original message with the headers that say what happened, and
// the trace in which it did.
func (b *Bus) deadLetter(ctx context.Context, m *Message, cause error) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, len(m.Headers)+8)
	for _, h := range m.Headers {
		if !strings.HasPrefix(h.Key, "dlq_") { // it was one before, and replayed
			headers = append(headers, h)
		}
	}
	text := cause.Error()
	if len(text) > maxDeadError {
		text = strings.ToValidUTF8(text[:maxDeadError], "")
	}
	add := func(key, value string) {
		headers = append(headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	add(DeadTopic, m.Topic)
	add(DeadPartition, strconv.Itoa(int(m.Partition)))
	add(DeadOffset, strconv.FormatInt(m.Offset, 10))
	add(DeadAttempts, strconv.Itoa(m.Attempt))
	add(DeadError, text)
	add(DeadTime, time.Now().UTC().Format(time.RFC3339Nano))
	add(DeadService, b.service)
	if m.batch != "" {
		add(DeadBatch, m.batch)
	}
	return &kgo.Record{
		Topic: contract.DeadLetterTopic(b.service), Partition: anyPartition,
		Key: m.rawKey, Value: m.Value, Headers: inject(ctx, withoutTrace(headers)),
	}
}
