package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

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
	tracer  trace.Tracer
	client  *kgo.Client
	admin   *kadm.Client
	calls   calls

	patterns map[string]string // types by pattern topic; never changes
	routes   sync.Map          // topics by [Call.route], where they differ from the call's

	mu       sync.Mutex // guards the next three
	types    map[string]Handler
	topics   map[string]Handler
	started  bool
	ready    chan struct{}
	flush    chan struct{}
	relaying sync.Mutex
	drain    time.Duration // drainTime; tests of what comes after it shorten it

	ctx   context.Context // ends at Close
	close context.CancelCauseFunc
	inbox sync.WaitGroup
}

// Open connects to the broker, creates the service's topics where they are
// missing, and starts to listen for replies. It tries until ctx ends, 30 s at
// the longest, and then fails with a [ConnectError]. The caller closes the bus.
func Open(ctx context.Context, o Options) (*Bus, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	forget := newForgetter()
	client, err := kgo.NewClient(append(clientOptions(&o), kgo.WithHooks(forget))...)
	if err != nil {
		return nil, fmt.Errorf("open bus of %s: %w", o.Service, err)
	}
	b := &Bus{
		service: o.Service, options: o, log: o.Log,
		tracer: o.Tracer.Tracer(tracerName),
		client: client, admin: kadm.NewClient(client),
		types: make(map[string]Handler), topics: make(map[string]Handler), patterns: patternsOf(o.Service),
		ready: make(chan struct{}), flush: make(chan struct{}, 1),
		drain: drainTime,
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
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider()
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
	b.client.Close()
	b.inbox.Wait()
}

// bound gives ctx the bus's timeout where it has no deadline.
func (b *Bus) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, b.options.Timeout)
}

// send produces a record and waits for the acknowledgement. The record itself
// is not bound to ctx: a cancelled record would take others of its batch along.
func (b *Bus) send(ctx context.Context, r *kgo.Record) error {
	done := make(chan error, 1)
	b.client.TryProduce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err := <-done:
		return b.produceError(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// produceError gives kgo's errors our names.
func (b *Bus) produceError(err error) error {
	if errors.Is(err, kgo.ErrClientClosed) || (err != nil && b.ctx.Err() != nil) {
		return ErrClosed
	}
	return err
}
