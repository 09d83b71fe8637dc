// Package deadletter makes the records of messages that could not be processed, and
// puts them on the dead-letter topic.
package deadletter

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace/noop"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/tracing"
	"axion/services/contract"
)

const (
	// maxError bounds the error's text in a dead letter, in bytes.
	maxError = 1 << 10
	// batchTimeout bounds how long it takes to put a batch on the dead-letter topic,
	// for which reading waits.
	batchTimeout = 5 * time.Second
)

// Record returns the dead letter of a message: the original with the headers of what
// happened, and ctx's trace.
func Record(ctx context.Context, service string, m *message.Message, cause error) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, len(m.Headers)+8)
	for _, h := range m.Headers {
		if !strings.HasPrefix(h.Key, "dlq_") { // it was replayed, and failed again
			headers = append(headers, h)
		}
	}
	text := cause.Error()
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "")
	}
	add := func(key, value string) {
		headers = append(headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	add(message.DeadTopic, m.Topic)
	add(message.DeadPartition, strconv.Itoa(int(m.Partition)))
	add(message.DeadOffset, strconv.FormatInt(m.Offset, 10))
	add(message.DeadAttempts, strconv.Itoa(m.Attempt))
	add(message.DeadError, text)
	add(message.DeadTime, time.Now().UTC().Format(time.RFC3339Nano))
	add(message.DeadService, service)
	if m.Batch != "" {
		add(message.DeadBatch, m.Batch)
	}
	return &kgo.Record{
		Topic: contract.DeadLetterTopic(service), Partition: message.AnyPartition,
		Key: m.RawKey, Value: m.Value, Headers: tracing.Inject(ctx, tracing.WithoutTrace(headers)),
	}
}

// BatchMessage returns a batch that cannot be decoded as a message that failed.
func BatchMessage(batch *undecodable.Batch) *message.Message {
	return &message.Message{
		Topic: batch.Topic, Partition: batch.Partition, Offset: batch.First, Value: batch.Raw,
		Batch: fmt.Sprintf("%d-%d", batch.First, batch.Next-1),
	}
}

// PutBatch puts a batch on the dead-letter topic for a reader that is in no group.
func PutBatch(c *conn.Conn, batch *undecodable.Batch) error {
	ctx, cancel := context.WithTimeout(c.Context(), batchTimeout)
	defer cancel()
	m := BatchMessage(batch)
	letter := Record(ctx, c.Service, m, batch.Err)
	if message.CheckSize(message.Size(letter)) != nil {
		OmitValue(letter)
	}
	if err := c.Send(ctx, letter, batchTimeout, noop.Span{}); err != nil {
		return fmt.Errorf("put a batch on the dead-letter topic: %w", err)
	}
	c.Meter.DeadLettered(m.Topic)
	c.Log.Error("batch put on the dead-letter topic", "error", batch)
	return nil
}

// OmitValue removes the value of a dead letter, which then refers to its position alone.
func OmitValue(letter *kgo.Record) {
	letter.Value = nil
	letter.Headers = append(letter.Headers, message.Header{Key: message.DeadOmitted, Value: []byte("value")})
}
