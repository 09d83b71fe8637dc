package conn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus/groups"
	"axion/services/bus/message"
	"axion/services/bus/metrics"
	"axion/services/bus/tracing"
	"axion/services/contract"
)

// NoTimeout is the timeout of a wait that its context alone ends.
const NoTimeout = time.Duration(math.MaxInt64)

// Options say which service connects, and to what. All fields but Client are required.
type Options struct {
	// Service is the service's name.
	Service string
	// Brokers are the seed addresses.
	Brokers []string
	// Log receives warnings and errors.
	Log *slog.Logger
	// Tracer makes the spans. Nil: none are recorded.
	Tracer trace.TracerProvider
	// Meter counts and times messages.
	Meter metric.MeterProvider
	// Client are further options of every Kafka client.
	Client []kgo.Opt
	// Timeout bounds a wait whose context has no deadline.
	Timeout time.Duration
}

// Conn is a service's connection to the broker, with its log, tracer and meter. It is
// safe for concurrent use. Nothing changes its fields.
type Conn struct {
	Service string
	Topic   string // the service's own
	Log     *slog.Logger
	Tracer  *tracing.Tracer
	Meter   *metrics.Meter
	Client  *kgo.Client
	Admin   *kadm.Client
	// Requests counts the requests that wait for an answer.
	Requests atomic.Int32
	// Handling counts the key queues that run.
	Handling atomic.Int32

	options Options
	source  []byte          // the service's name
	sends   *Batcher        // of requests and events
	replies *Batcher        // which wait where kgo has no room
	ctx     context.Context // ends at Close
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
}

// Open makes the clients; hooks are further ones of the main client. It does not wait
// for a broker. The caller closes the connection.
func Open(o Options, hooks ...kgo.Hook) (*Conn, error) {
	purger := newTopicPurger()
	group := groups.Name(o.Service)
	meter := metrics.New(o.Meter, group)
	client, err := kgo.NewClient(append(o.clientOptions(), kgo.WithHooks(append(hooks, purger, meter)...))...)
	if err != nil {
		return nil, fmt.Errorf("open bus of %s: %w", o.Service, err)
	}
	c := &Conn{
		Service: o.Service, Topic: contract.Topic(o.Service), Log: o.Log,
		Tracer: tracing.New(o.Tracer, group), Meter: meter,
		Client: client, Admin: kadm.NewClient(client),
		options: o, source: []byte(o.Service),
	}
	c.sends = NewBatcher(client, client.TryProduce, func() bool { return c.Requests.Load() > 1 })
	c.replies = NewBatcher(client, client.Produce, func() bool { return c.Handling.Load() > 1 })
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.Go(func() { purger.run(c.ctx, client) })
	return c, nil
}

// Go runs fn until it returns, for which Close waits: it should end with Context.
func (c *Conn) Go(fn func()) { c.running.Go(fn) }

// Context ends when the connection is closed.
func (c *Conn) Context() context.Context { return c.ctx }

// Cancel ends Context: what is under way fails with [message.ErrClosed].
func (c *Conn) Cancel() { c.cancel(message.ErrClosed) }

// Close ends the connection and waits for what Go runs. Call Cancel before.
func (c *Conn) Close() {
	c.Client.Close()
	c.running.Wait()
}

// Dial makes another client, with options on top of those of every client of the bus.
func (c *Conn) Dial(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(c.options.clientOptions(), opts...)...)
}

// DialGroup makes a client that is a member of the service's group.
func (c *Conn) DialGroup(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(c.options.groupOptions(), opts...)...)
}

// Dial makes a client for options alone.
func Dial(o Options) (*kgo.Client, error) { return kgo.NewClient(o.clientOptions()...) }

// OwnTopics are the topics that the service needs to exist.
func (c *Conn) OwnTopics() []string {
	return []string{c.Topic, contract.ReplyTopic(c.Service), contract.DeadLetterTopic(c.Service)}
}

// Timeout is how long to wait where nothing but ctx's end would end the wait: the
// timeout of the options, or NoTimeout where ctx has a deadline.
func (c *Conn) Timeout(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return NoTimeout
	}
	return c.options.Timeout
}

// EventRecord returns a completed event's record, without a trace.
func (c *Conn) EventRecord(e *message.Event, value []byte) *kgo.Record {
	return e.Record(c.source, value)
}

// Queue sends a record, and calls promise when it is acknowledged or refused.
func (c *Conn) Queue(r *kgo.Record, promise func(*kgo.Record, error)) { c.sends.Send(r, promise) }

// QueueReply is Queue for the answer to a request, which waits while the client's buffer
// is full.
func (c *Conn) QueueReply(r *kgo.Record, promise func(*kgo.Record, error)) {
	c.replies.Send(r, promise)
}

// Send produces a record and waits for the acknowledgement, for a time. The record
// itself is not bound to ctx: a cancelled record would fail others of its batch. The
// span gets the record's position.
func (c *Conn) Send(ctx context.Context, r *kgo.Record, timeout time.Duration, span trace.Span) error {
	tracing.DescribeRecord(span, r)
	done := make(chan error, 1)
	c.sends.Send(r, func(_ *kgo.Record, err error) { done <- err })
	timer := startTimer(timeout)
	defer endTimer(timer)
	select {
	case err := <-done:
		if err == nil {
			tracing.SetPosition(span, r)
		}
		return c.ProduceError(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

// ProduceError returns [message.ErrClosed] for kgo's errors of a closed client, and
// every other error as it is.
func (c *Conn) ProduceError(err error) error {
	if errors.Is(err, kgo.ErrClientClosed) || (err != nil && c.ctx.Err() != nil) {
		return message.ErrClosed
	}
	return err
}
