package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Tracing makes the spans of this process: into a store, or to a collector, or
// both. It is safe for concurrent use.
type Tracing struct {
	store   *Store
	sampler *sampler
	export  sdktrace.SpanProcessor // nil for none
	logs    *logExport             // nil for none

	mu   sync.Mutex
	made map[[2]string]*samplingProvider
}

// NewTracing returns a source for store, nil for none, and for the collector that
// OTEL_EXPORTER_OTLP_ENDPOINT names, if it does: what OpenTelemetry's variables say
// of exporters holds. What comes to logs goes there too, until the source is closed.
// Log says when that collector does not answer. check, where it is not nil, looks at each
// connection to the collector before anything is sent on it, unless a certificate says
// whose it is; its error drops what was to be sent.
func NewTracing(ctx context.Context, store *Store, logs *Logs, log *slog.Logger, check func(net.Conn) error) (*Tracing, error) {
	export, err := exporter(ctx, log, check)
	if err != nil {
		return nil, err
	}
	lines, err := exportLogs(ctx, log, check)
	if err != nil {
		if export != nil {
			err = errors.Join(err, export.Shutdown(ctx))
		}
		return nil, err
	}
	logs.export.Store(lines)
	s := &Tracing{store: store, export: export, logs: lines, made: map[[2]string]*samplingProvider{}}
	if s.sampler = newSampler(maxRoots); store != nil {
		s.sampler = store.sampler
	}
	return s, nil
}

// Export is for a process that keeps no spans, and only sends them on: it opens a
// [Tracing] without a store.
func Export(logs *Logs, log *slog.Logger, check func(net.Conn) error,
) func(context.Context) (func(service, instance string) oteltrace.TracerProvider, func(context.Context) error, error) {
	return func(ctx context.Context) (func(service, instance string) oteltrace.TracerProvider, func(context.Context) error, error) {
		s, err := NewTracing(ctx, nil, logs, log, check)
		if err != nil {
			return nil, nil, err
		}
		return s.Provider, s.Close, nil
	}
}

// Provider is that of a part of the stack, under the name that its spans carry as
// service.name. instance distinguishes several of one name; empty for one.
func (s *Tracing) Provider(service, instance string) oteltrace.TracerProvider {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{service, instance}
	if p := s.made[key]; p != nil {
		return p
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithResource(resourceOf(service, instance))}
	if s.store != nil {
		options = append(options, sdktrace.WithSpanProcessor(processor{s.store, service, instance}))
	}
	if s.export != nil {
		options = append(options, sdktrace.WithSpanProcessor(s.export))
	}
	p := &samplingProvider{sdk: sdktrace.NewTracerProvider(options...), sampler: s.sampler}
	s.made[key] = p
	return p
}

// closeTime bounds the sending of the last spans.
const closeTime = 2 * time.Second

// Close ends the making of spans, and sends what is left of them, for 2 s at most. What a
// collector has not taken by then is dropped, which is no error.
func (s *Tracing) Close(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, closeTime)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.made {
		errs = append(errs, p.sdk.Shutdown(ctx))
	}
	if s.export != nil { // also where no provider was made
		errs = append(errs, s.export.Shutdown(ctx))
	}
	if s.logs != nil {
		errs = append(errs, s.logs.close(ctx))
	}
	err := errors.Join(errs...)
	if errors.Is(err, context.DeadlineExceeded) && parent.Err() == nil {
		return nil
	}
	return err
}

// processKey is an attribute of the resources of this process. What it exports may
// come back to it, and is known by that.
const processKey = "axion.process.id"

var processID = rand.Text()

// maxRoots is how many traces may begin in a second. What a person drives is
// below it; under load the rest go unrecorded, at next to no cost.
const maxRoots = 200

// sampler lets the first traces of each second be recorded.
type sampler struct {
	limit   int64
	second  atomic.Int64
	begun   atomic.Int64 // in that second
	skipped atomic.Int64
}

func newSampler(limit int64) *sampler { return &sampler{limit: limit} }

// sample reports whether one more trace may begin.
func (s *sampler) sample() bool {
	now := time.Now().Unix()
	if old := s.second.Load(); old != now && s.second.CompareAndSwap(old, now) {
		s.begun.Store(0)
	}
	if s.begun.Add(1) <= s.limit {
		return true
	}
	s.skipped.Add(1)
	return false
}
