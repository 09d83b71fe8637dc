package bus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	nometric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus/conn"
	"axion/services/bus/consumer"
)

// Options say whose bus it is and where the broker is.
type Options struct {
	// Service is the service's name in package contract. It names the consumer
	// group ("<service>-server"), the events' source, and the service's topics.
	// Required.
	Service string
	// Brokers are the seed addresses, "host:port". Required.
	Brokers []string
	// Log receives the bus's records. Nil: nothing is logged.
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
	// Retry is the backoff of failed events.
	Retry Retry
	// Outage reports whether a handler's error is of the service itself, which cannot
	// work at present, and not of the message: an event then waits until it can, and
	// becomes no dead letter. Nil: no error is.
	Outage func(error) bool
	// MaxInFlight is how many handlers run at once. Reading goes on until four
	// times as many messages of one partition wait, so that a slow key stops
	// no other. Zero: 256.
	MaxInFlight int

	drainTimeout time.Duration // zero: consumer.DrainTimeout. Tests shorten it
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
	o.drainTimeout = orDefault(o.drainTimeout, consumer.DrainTimeout)
	return nil
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// conn are the connection's options.
func (o *Options) conn() conn.Options {
	return conn.Options{
		Service: o.Service, Brokers: o.Brokers, Log: o.Log, Tracer: o.Tracer, Meter: o.Meter,
		Client: o.Client, Timeout: o.Timeout,
	}
}

// consumer are the consumer's options.
func (o *Options) consumer() consumer.Options {
	return consumer.Options{Retry: o.Retry, Outage: o.Outage, MaxInFlight: o.MaxInFlight, DrainTimeout: o.drainTimeout}
}
