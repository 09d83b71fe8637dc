// Package metrics counts and times messages by OpenTelemetry's conventions for
// messaging, and by names of axion's own where those have none.
package metrics

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"axion/services/bus/message"
)

const (
	// maxLabels bounds the topics that are distinguished: a caller names the topic of
	// its answer.
	maxLabels = 1_000
	// maxPending is how many rows of the outbox are counted at most, in countTimeout.
	maxPending   = 10_000
	countTimeout = 250 * time.Millisecond
	// otherError is OpenTelemetry's value for an error that has no name, otherTopic
	// that for the topics beyond maxLabels.
	otherError, otherTopic = "_OTHER", "_OTHER"
)

// Meter counts and times messages. It is safe for concurrent use.
type Meter struct {
	group       string
	meter       metric.Meter
	received    metric.Int64Counter
	retries     metric.Int64Counter
	deadLetters metric.Int64Counter
	expiries    metric.Int64Counter

	processDuration metric.Float64Histogram
	requestDuration metric.Float64Histogram
	relayDuration   metric.Float64Histogram

	pending metric.Int64ObservableGauge
	sets    atomic.Pointer[map[label]*labels] // the map never changes: looking it up takes no lock and makes no copy of the key
	adding  sync.Mutex                        // guards the replacement of sets
}

var _ kgo.HookProduceRecordUnbuffered = (*Meter)(nil)

// label is what messages that are counted together have in common.
type label struct{ operation, topic, err string }

// labels are a label's attributes as the instruments take them, made once.
type labels struct {
	add     []metric.AddOption
	record  []metric.RecordOption
	observe metric.ObserveOption
	sent    atomic.Int64 // read when the metrics are: the instrument would cost more than the rest
}

// New returns a meter for a member of a consumer group.
func New(provider metric.MeterProvider, group string) *Meter {
	m := &Meter{group: group, meter: provider.Meter("axion/bus")}
	m.sets.Store(&map[label]*labels{})
	var failed error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		failed = errors.Join(failed, err)
		return c
	}
	histogram := func(name, description string) metric.Float64Histogram {
		h, err := m.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description))
		failed = errors.Join(failed, err)
		return h
	}
	_, err := m.meter.Int64ObservableCounter("messaging.client.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Number of messages producer attempted to send to the broker."), metric.WithInt64Callback(m.observeSent))
	failed = errors.Join(failed, err)
	m.received = counter("messaging.client.consumed.messages", "{message}", "Number of messages that were delivered to the application.")
	m.retries = counter("axion.bus.retried.messages", "{message}", "Further attempts to process a message.")
	m.deadLetters = counter("axion.bus.dead_lettered.messages", "{message}", "Messages that could not be processed and are dead letters now.")
	m.expiries = counter("axion.bus.expired.messages", "{message}",
		"Requests that were dropped, since nobody waited for their answer any more.")
	m.processDuration = histogram("messaging.process.duration", "Duration of processing operation.")
	m.requestDuration = histogram("messaging.client.operation.duration",
		"Duration of messaging operation initiated by a producer or consumer client.")
	m.relayDuration = histogram("axion.outbox.relay.duration", "From an event to the broker's acknowledgement.")
	m.pending, err = m.meter.Int64ObservableGauge("axion.outbox.pending", metric.WithUnit("{row}"),
		metric.WithDescription("Events that are stored and not yet published."))
	if failed = errors.Join(failed, err); failed != nil {
		panic(failed) // a name that no instrument can have
	}
	return m
}

// of finds the attributes of a label.
func (m *Meter) of(l label) *labels {
	if found, ok := (*m.sets.Load())[l]; ok {
		return found
	}
	return m.add(l)
}

// add makes the attributes of a label; beyond maxLabels the topic is [otherTopic].
func (m *Meter) add(l label) *labels {
	m.adding.Lock()
	defer m.adding.Unlock()
	sets := *m.sets.Load()
	if len(sets) >= maxLabels {
		l.topic = otherTopic
	}
	if found, ok := sets[l]; ok {
		return found
	}
	list := []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", l.operation),
		attribute.String("messaging.destination.name", l.topic),
	}
	if l.operation == "process" {
		list = append(list, attribute.String("messaging.consumer.group.name", m.group))
	}
	if l.err != "" {
		list = append(list, attribute.String("error.type", l.err))
	}
	set := metric.WithAttributeSet(attribute.NewSet(list...))
	made := &labels{add: []metric.AddOption{set}, record: []metric.RecordOption{set}, observe: set}
	sets = maps.Clone(sets)
	sets[l] = made
	m.sets.Store(&sets)
	return made
}

// errorType returns the value of error.type, of which there are few.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*message.TimeoutError](err); ok {
		return "timeout"
	}
	if _, ok := errors.AsType[*message.RemoteError](err); ok {
		return "remote"
	}
	switch {
	case errors.Is(err, message.ErrNoHandler):
		return "no_handler"
	case errors.Is(err, message.ErrClosed), errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, message.ErrExpired):
		return "expired"
	case message.IsPermanent(err):
		return "permanent"
	}
	return otherError
}

// OnProduceRecordUnbuffered counts what the broker has acknowledged, or refused.
func (m *Meter) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	l := label{operation: "send", topic: r.Topic}
	if err != nil {
		l.err = otherError
	}
	m.of(l).sent.Add(1)
}

func (m *Meter) observeSent(_ context.Context, o metric.Int64Observer) error {
	for _, l := range *m.sets.Load() {
		if n := l.sent.Load(); n > 0 {
			o.Observe(n, l.observe)
		}
	}
	return nil
}

// Consumed counts messages that were read from a topic.
func (m *Meter) Consumed(topic string, n int) {
	m.received.Add(context.Background(), int64(n), m.of(label{operation: "receive", topic: topic}).add...)
}

// Processed times the handling of a message.
func (m *Meter) Processed(topic string, d time.Duration, err error) {
	m.processDuration.Record(context.Background(), d.Seconds(), m.of(label{"process", topic, errorType(err)}).record...)
}

// Requested times a request until its answer.
func (m *Meter) Requested(topic string, d time.Duration, err error) {
	m.requestDuration.Record(context.Background(), d.Seconds(), m.of(label{"request", topic, errorType(err)}).record...)
}

// Retried counts a further call of a handler.
func (m *Meter) Retried(topic string) {
	m.retries.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

// DeadLettered counts a message that became a dead letter.
func (m *Meter) DeadLettered(topic string) {
	m.deadLetters.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

// Expired counts a request that was dropped because it had expired.
func (m *Meter) Expired(topic string) {
	m.expiries.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

// Relayed times an event from its occurrence to the acknowledgement.
func (m *Meter) Relayed(d time.Duration) {
	m.relayDuration.Record(context.Background(), max(0, d.Seconds()))
}

// ObserveOutbox counts the outbox's rows whenever the metrics are read, until stop
// is called.
func (m *Meter) ObserveOutbox(db *sql.DB) (stop func()) {
	registration, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, countTimeout)
		defer cancel()
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS stored`, maxPending).Scan(&n); err != nil {
			return nil // the health checks report it
		}
		o.ObserveInt64(m.pending, n)
		return nil
	}, m.pending)
	if err != nil {
		panic(err) // an instrument of this meter
	}
	return func() { _ = registration.Unregister() }
}
