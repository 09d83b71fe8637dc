package bus

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
	nometric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"axion/broker/undecodable"
	"axion/services/contract"
)

// Options say whose bus it is and where the broker is.
type Options struct {
	// Service is the service's name in package contract. It names the consumer
	// group ("<service>-server"), the events' source, and the service's topics.
	// Required.
	Service string
	// Brokers are the seed addresses, "host:port". Required.
	Brokers []string
	// Log takes what the bus has to say. Nil: nothing is logged.
	Log *slog.Logger
	// Tracer makes the spans. Nil: none are recorded, but messages still carry
	// a trace context.
	Tracer trace.TracerProvider
	// Meter counts and times messages. Nil: nothing is counted.
	Meter metric.MeterProvider
	// Client adds to the settings of every Kafka client what the cluster needs,
	// such as SASL and TLS. Nil: nothing.
	Client []kgo.Opt
	// RelayLock has [Bus.Relay] publish only while it holds a lock that the other
	// processes on the same database have to wait for. Nil: there are none.
	RelayLock func(context.Context) (unlock func(), err error)
	// Timeout bounds a [Bus.Request] and a [Bus.Publish] whose context has no
	// deadline. Zero: 30 s.
	Timeout time.Duration
	// Retry is the pace of trying failed events again.
	Retry Retry
	// Outage reports whether a handler's error is of the service itself, which cannot
	// work at present, and not of the message: an event then waits until it can, and
	// becomes no dead letter. Nil: no error is.
	Outage func(error) bool
	// MaxInFlight is how many handlers run at once. Reading goes on until four
	// times as many messages of one partition wait, so that a slow key stops
	// no other. Zero: 256.
	MaxInFlight int
}

// Retry is how often and how fast a failed message is tried again. The delay
// doubles each time, give or take half of it.
type Retry struct {
	// Attempts are all calls of the handler, the first one too. Zero: 5.
	Attempts int
	// First is the delay before the second attempt. Zero: 100 ms.
	First time.Duration
	// Max is the longest delay. Zero: 5 s.
	Max time.Duration
}

// Bus is a service's access to Kafka. All methods are safe for concurrent use;
// [Bus.Handle] and [Bus.Subscribe] come before [Bus.Run].
type Bus struct {
	service string
	options Options
	log     *slog.Logger
	tracer  trace.Tracer // nil: nothing is recorded
	meter   *meter
	client  *kgo.Client
	sends   *sender // of requests and events
	replies *sender // which wait where kgo has no room
	admin   *kadm.Client
	calls   calls
	lanes   atomic.Int32 // of messages under way

	source     []byte            // the service's name
	topic      string            // the service's own
	replyTopic []byte            // where answers come
	patterns   map[string]string // types by pattern topic; never changes
	routes     sync.Map          // topics by [Call.route], where they differ from the call's

	mu       sync.Mutex // guards the next three
	types    map[string]Handler
	topics   map[string]Handler
	started  bool
	ready    chan struct{}
	lost     atomic.Bool // the group's assignment, until there is another
	flush    chan struct{}
	relaying sync.Mutex
	drain    time.Duration // drainTime; tests of what comes after it shorten it

	ctx   context.Context // ends at Close
	close context.CancelCauseFunc
	inbox sync.WaitGroup

	reader *undecodable.Reader // of the replies
	read   progress            // in the reply topic
}

// Open connects to the broker, creates the service's topics where they are
// missing, and starts to listen for replies. It tries until ctx ends, 30 s at
// the longest, and then fails with a [ConnectError]. The caller closes the bus.
func Open(ctx context.Context, o Options) (*Bus, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	forget, meter := newForgetter(), newMeter(&o)
	reader := undecodable.New(nil)
	client, err := kgo.NewClient(append(clientOptions(&o), kgo.WithHooks(forget, meter, reader))...)
	if err != nil {
		return nil, fmt.Errorf("open bus of %s: %w", o.Service, err)
	}
	b := &Bus{
		service: o.Service, options: o, log: o.Log,
		meter:  meter,
		client: client, admin: kadm.NewClient(client),
		types: make(map[string]Handler), topics: make(map[string]Handler), patterns: patternsOf(o.Service),
		source: []byte(o.Service), topic: contract.Topic(o.Service), replyTopic: []byte(contract.ReplyTopic(o.Service)),
		calls: calls{pending: make(map[string]*call)},
		ready: make(chan struct{}), flush: make(chan struct{}, 1),
		drain: drainTime, reader: reader,
	}
	b.sends = newSender(client, client.TryProduce, func() bool { return b.calls.under.Load() > 1 })
	b.replies = newSender(client, client.Produce, func() bool { return b.lanes.Load() > 1 })
	reader.Skip = b.buryBatch
	if o.Tracer != nil {
		b.tracer = o.Tracer.Tracer("axion")
	}
	b.ctx, b.close = context.WithCancelCause(context.Background())
	b.inbox.Go(func() { forget.run(b.ctx, client) })
	if err := b.openInbox(ctx); err != nil {
		b.Close()
		return nil, &ConnectError{Service: o.Service, Brokers: o.Brokers, Err: err}
	}
	return b, nil
}

// complete fills the defaults in.
func (o *Options) complete() error {
	if o.Service == "" {
		return errors.New("no service name")
	}
	if len(o.Brokers) == 0 {
		return errors.New("no broker addresses")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = nometric.NewMeterProvider()
	}
	o.Timeout = orDefault(o.Timeout, 30*time.Second)
	o.Retry.Attempts = orDefault(o.Retry.Attempts, 5)
	o.Retry.First = orDefault(o.Retry.First, 100*time.Millisecond)
	o.Retry.Max = orDefault(o.Retry.Max, 5*time.Second)
	o.MaxInFlight = orDefault(o.MaxInFlight, 256)
	return nil
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// ownTopics are the topics that the service needs to exist.
func (b *Bus) ownTopics() []string {
	return []string{
		contract.Topic(b.service), contract.ReplyTopic(b.service), contract.DeadLetterTopic(b.service),
	}
}

// Close ends the bus: requests under way fail with [ErrClosed]. Call it once
// Run and Relay have returned; what they had in hand is then acknowledged.
func (b *Bus) Close() {
	b.close(ErrClosed)
	b.calls.end(ErrClosed)
	b.client.Close()
	b.inbox.Wait()
}

// forever is the wait of what its context alone ends.
const forever = time.Duration(math.MaxInt64)

// patience is how long to wait where nothing but ctx's end would end it: the bus's
// timeout, unless ctx has a deadline.
func (b *Bus) patience(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return forever
	}
	return b.options.Timeout
}

// send produces a record and waits for the acknowledgement, for a time. The record
// itself is not bound to ctx: a cancelled record would take others of its batch
// along. The span is told where the record went.
func (b *Bus) send(ctx context.Context, r *kgo.Record, limit time.Duration, span trace.Span) error {
	describeRecord(span, r)
	done := make(chan error, 1)
	b.sends.send(r, func(_ *kgo.Record, err error) { done <- err })
	timer := startTimer(limit)
	defer endTimer(timer)
	select {
	case err := <-done:
		if err == nil {
			acked(span, r)
		}
		return b.produceError(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

// produceError gives kgo's errors our names.
func (b *Bus) produceError(err error) error {
	if errors.Is(err, kgo.ErrClientClosed) || (err != nil && b.ctx.Err() != nil) {
		return ErrClosed
	}
	return err
}
