package bus

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
)

const (
	// maxLabels bounds the topics that are told apart: who asks names the topic of
	// the answer.
	maxLabels = 1_000
	// maxPending is how many rows of the outbox are counted at most, in countTime.
	maxPending = 10_000
	countTime  = 250 * time.Millisecond
	// otherError is OpenTelemetry's word for an error that has no name; otherTopic is
	// it for the topics beyond maxLabels.
	otherError, otherTopic = "_OTHER", "_OTHER"
)

// meter counts and times messages by OpenTelemetry's conventions for messaging,
// and by names of our own where those have none.
type meter struct {
	group       string
	meter       metric.Meter
	got         metric.Int64Counter
	again, dead metric.Int64Counter
	late        metric.Int64Counter
	took, asked metric.Float64Histogram
	relay       metric.Float64Histogram
	pending     metric.Int64ObservableGauge
	sets        atomic.Pointer[map[label]*labels] // the map never changes: looking it up takes no lock and makes no copy of the key
	adding      sync.Mutex                        // of who puts another in its place
}

var _ kgo.HookProduceRecordUnbuffered = (*meter)(nil)

// label is what messages that are counted together have in common.
type label struct{ operation, topic, err string }

// labels are a label's attributes as the instruments take them, made once.
type labels struct {
	add     []metric.AddOption
	record  []metric.RecordOption
	observe metric.ObserveOption
	sent    atomic.Int64 // read when the metrics are: the instrument would cost more than the rest
}

func newMeter(o *Options) *meter {
	m := &meter{group: Group(o.Service), meter: o.Meter.Meter("axion/bus")}
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
	m.got = counter("messaging.client.consumed.messages", "{message}", "Number of messages that were delivered to the application.")
	m.again = counter("axion.bus.retried.messages", "{message}", "Further attempts to process a message.")
	m.dead = counter("axion.bus.dead_lettered.messages", "{message}", "Messages that could not be processed and are dead letters now.")
	m.late = counter("axion.bus.expired.messages", "{message}", "Requests that were dropped, since nobody waited for their answer any more.")
	m.took = histogram("messaging.process.duration", "Duration of processing operation.")
	m.asked = histogram("messaging.client.operation.duration", "Duration of messaging operation initiated by a producer or consumer client.")
	m.relay = histogram("axion.outbox.relay.duration", "From an event to the broker's acknowledgement.")
	m.pending, err = m.meter.Int64ObservableGauge("axion.outbox.pending", metric.WithUnit("{row}"), metric.WithDescription("Events that are stored and not yet published."))
	if failed = errors.Join(failed, err); failed != nil {
		panic(failed) // a name that no instrument can have
	}
	return m
}

// of finds the attributes of a label.
func (m *meter) of(l label) *labels {
	if found, ok := (*m.sets.Load())[l]; ok {
		return found
	}
	return m.add(l)
}

// add makes the attributes of a label; of those beyond maxLabels the topic is not told.
func (m *meter) add(l label) *labels {
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

// errorType names an error in a few words, of which there are few.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*TimeoutError](err); ok {
		return "timeout"
	}
	if _, ok := errors.AsType[*RemoteError](err); ok {
		return "remote"
	}
	switch {
	case errors.Is(err, errNoHandler):
		return "no_handler"
	case errors.Is(err, ErrClosed), errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, ErrExpired):
		return "expired"
	case isPermanent(err):
		return "permanent"
	}
	return otherError
}

// OnProduceRecordUnbuffered counts what the broker has acknowledged, or refused.
func (m *meter) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	l := label{operation: "send", topic: r.Topic}
	if err != nil {
		l.err = otherError
	}
	m.of(l).sent.Add(1)
}

func (m *meter) observeSent(_ context.Context, o metric.Int64Observer) error {
	for _, l := range *m.sets.Load() {
		if n := l.sent.Load(); n > 0 {
			o.Observe(n, l.observe)
		}
	}
	return nil
}

func (m *meter) consumed(topic string, n int) {
	m.got.Add(context.Background(), int64(n), m.of(label{operation: "receive", topic: topic}).add...)
}

func (m *meter) processed(topic string, took time.Duration, err error) {
	m.took.Record(context.Background(), took.Seconds(), m.of(label{"process", topic, errorType(err)}).record...)
}

func (m *meter) requested(topic string, took time.Duration, err error) {
	m.asked.Record(context.Background(), took.Seconds(), m.of(label{"request", topic, errorType(err)}).record...)
}

func (m *meter) retried(topic string) {
	m.again.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

func (m *meter) buried(topic string) {
	m.dead.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

func (m *meter) expired(topic string) {
	m.late.Add(context.Background(), 1, m.of(label{operation: "process", topic: topic}).add...)
}

func (m *meter) relayed(took time.Duration) {
	m.relay.Record(context.Background(), max(0, took.Seconds()))
}

// watchOutbox has the rows counted whenever the metrics are read, until the
// function that it returns is called.
func (m *meter) watchOutbox(db *sql.DB) (stop func()) {
	registration, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, countTime)
		defer cancel()
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS stored`, maxPending).Scan(&n); err != nil {
			return nil // told by the health checks
		}
		o.ObserveInt64(m.pending, n)
		return nil
	}, m.pending)
	if err != nil {
		panic(err) // an instrument of this meter
	}
	return func() { _ = registration.Unregister() }
}
