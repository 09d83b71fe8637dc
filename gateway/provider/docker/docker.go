// Package docker lists the containers that a Docker engine runs, with their labels,
// whenever they change.
package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"reflect"
	"syscall"
	"time"

	"axion/gateway/label"

	"github.com/cenkalti/backoff/v5"
	"github.com/moby/moby/client"
	"go.opentelemetry.io/otel/trace/noop"
)

const (
	// debounce is how long nothing may happen before a burst of events counts as one
	// change, and burstTimeout how long a burst is waited for.
	debounce     = 20 * time.Millisecond
	burstTimeout = 200 * time.Millisecond
	// requestTimeout bounds how long the engine may take for one request.
	requestTimeout = 10 * time.Second
)

// Options of a [Provider].
type Options struct {
	// Host is the engine's address, such as unix:///var/run/docker.sock or
	// tcp://10.0.0.1:2375. Empty means that of DOCKER_HOST, else the engine of this
	// machine. DOCKER_CERT_PATH, DOCKER_TLS_VERIFY and DOCKER_API_VERSION count too.
	Host string
	// Network is the network by which containers are reached that have no label
	// traefik.docker.network: Traefik's providers.docker.network. It is called at
	// each listing. Nil, or an empty result, means any.
	Network func() string
	// AllowEmpty reports whether containers that are not healthy count, as stopped:
	// Traefik's providers.docker.allowEmptyServices. It is called at each listing. Nil
	// means no.
	AllowEmpty func() bool
	// Log receives what is wrong with the engine or a container, once each time it
	// begins. Nil discards.
	Log *slog.Logger
}

// Provider watches one engine. Run is to be called once.
type Provider struct {
	engine   *client.Client
	network  func() string
	empty    func() bool
	again    chan struct{} // requests another listing
	log      *slog.Logger
	reported []label.Service   // last; nil before the first time
	direct   bool              // whether containers' own addresses can be reached
	remote   string            // address of an engine elsewhere, or empty
	warned   map[string]string // by container, the last warning
}

// New prepares to watch an engine, which need not be there yet. The error is
// about an address that cannot be one.
func New(opts Options) (*Provider, error) {
	settings := []client.Opt{client.FromEnv, client.WithTraceProvider(noop.NewTracerProvider())}
	if opts.Host != "" {
		settings = append(settings, client.WithHost(opts.Host))
	}
	engine, err := client.New(settings...)
	if err != nil {
		return nil, &addressError{err}
	}
	p := &Provider{engine: engine, network: opts.Network, empty: opts.AllowEmpty, again: make(chan struct{}, 1), log: opts.Log,
		warned: map[string]string{}}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.network == nil {
		p.network = func() string { return "" }
	}
	if p.empty == nil {
		p.empty = func() bool { return false }
	}
	return p, nil
}

// Refresh has Run list the containers anew: what the options' functions return has
// changed. It does not wait, and may be called at any time.
func (p *Provider) Refresh() {
	select {
	case p.again <- struct{}{}:
	default: // the request is pending
	}
}

// addressError is an engine's address that cannot be one.
type addressError struct{ err error }

func (e *addressError) Error() string { return "the address of the Docker engine: " + e.err.Error() }
func (e *addressError) Unwrap() error { return e.err }
func (e *addressError) Hint() string {
	return "give one such as unix:///var/run/docker.sock, or set DOCKER_HOST"
}

// Run calls changed with the containers that run and have labels of Traefik's, at
// first and whenever they change, one call at a time, until ctx ends; then it
// returns nil. Each container is a service: those of one compose service have the
// same name and project. Containers that are not healthy, or not yet, are left
// out unless AllowEmpty, as with Traefik; one that does not run is stopped if it has the
// label traefik.docker.allownonrunning=true. An engine that cannot be reached is dialled again
// until it can; until then the last list counts.
func (p *Provider) Run(ctx context.Context, changed func([]label.Service)) error {
	defer func() { _ = p.engine.Close() }()
	delay := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	delay.Reset()
	away := false
	for {
		start := time.Now()
		err := p.watch(ctx, changed, func() {
			if away {
				away = false
				p.log.Info("the Docker engine is there", slog.String("engine", p.engine.DaemonHost()))
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(start) > delay.MaxInterval {
			delay.Reset()
		}
		if !away {
			away = true
			p.log.Warn("the Docker engine cannot be reached: its containers are followed once it is there",
				slog.String("engine", p.engine.DaemonHost()), slog.Any("error", err), slog.String("hint", hint(err)))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay.NextBackOff()):
		}
	}
}

// hint says how to fix an engine that cannot be reached.
func hint(err error) string {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EACCES) {
		return "add yourself to the group docker, or give the address of an engine of your own"
	}
	return "start Docker, or set DOCKER_HOST to where it listens"
}

// watch lists the containers whenever an event changes them, until that fails, and calls
// reached once it works.
func (p *Provider) watch(ctx context.Context, changed func([]label.Service), reached func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.inspectEngine(ctx); err != nil {
		return err
	}
	// Subscribe first, so that nothing is missed between the listing and the events.
	stream := p.engine.Events(ctx, client.EventsListOptions{Filters: subscribed})
	defer closeStream(cancel, stream)
	b := burst{timer: time.NewTimer(0)}
	defer b.timer.Stop()
	for {
		select {
		case err := <-stream.Err:
			if err == nil {
				err = errors.New("the events ended")
			}
			return fmt.Errorf("follow the events: %w", err)
		case event := <-stream.Messages:
			if changesContainers(event) {
				b.add()
			}
		case <-p.again:
			b.timer.Reset(debounce)
		case <-b.timer.C:
			b.since = time.Time{}
			list, err := p.list(ctx)
			if err != nil {
				return err
			}
			if len(stream.Err) == 0 { // else it lists, but sends no events
				reached()
				p.report(list, changed)
			}
		}
	}
}

// report calls changed with a list that differs from the last one.
func (p *Provider) report(list []label.Service, changed func([]label.Service)) {
	if !reflect.DeepEqual(list, p.reported) {
		p.reported = list
		changed(list)
	}
}

// burst is a series of events that count as one change.
type burst struct {
	timer *time.Timer // fires at its end
	since time.Time   // first event; zero between bursts
}

func (b *burst) add() {
	now := time.Now()
	if b.since.IsZero() {
		b.since = now
	}
	b.timer.Reset(min(debounce, max(0, burstTimeout-now.Sub(b.since))))
}

// closeStream waits for the client's goroutine, which ends with the stream.
func closeStream(cancel context.CancelFunc, stream client.EventsResult) {
	cancel()
	for range stream.Err {
		continue
	}
}
