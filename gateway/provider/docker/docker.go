// Package docker tells which containers a Docker engine runs and what their labels
// say, for as long as they change.
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
	// quiet is how long nothing may happen before a burst of events counts as one
	// change, and patience how long a burst is waited for.
	quiet    = 20 * time.Millisecond
	patience = 200 * time.Millisecond
	// answerTime bounds how long the engine may think about one question.
	answerTime = 10 * time.Second
)

// Options of a [Provider].
type Options struct {
	// Host is the engine's address, such as unix:///var/run/docker.sock or
	// tcp://10.0.0.1:2375. Empty means that of DOCKER_HOST, else the engine of this
	// machine. DOCKER_CERT_PATH, DOCKER_TLS_VERIFY and DOCKER_API_VERSION count too.
	Host string
	// Network tells which network containers are reached by that have no label
	// traefik.docker.network: Traefik's providers.docker.network. It is asked at
	// each listing. Nil, or an empty answer, means any.
	Network func() string
	// AllowEmpty tells whether containers that are not healthy count, as stopped:
	// Traefik's providers.docker.allowEmptyServices. It is asked at each listing. Nil
	// means no.
	AllowEmpty func() bool
	// Log receives what is wrong with the engine or a container, once each time it
	// begins. Nil discards.
	Log *slog.Logger
}

// Provider follows one engine. Run is to be called once.
type Provider struct {
	engine  *client.Client
	network func() string
	empty   func() bool
	again   chan struct{} // asks for another listing
	log     *slog.Logger
	told    []label.Service   // last; nil before the first time
	direct  bool              // whether containers' own addresses can be reached
	remote  string            // address of an engine elsewhere, or empty
	doubts  map[string]string // by container, what was said of it
}

// New prepares to follow an engine, which need not be there yet. The error is
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
		doubts: map[string]string{}}
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

// Refresh has Run list the containers anew: what the options' functions answer has
// changed. It does not wait, and may be called at any time.
func (p *Provider) Refresh() {
	select {
	case p.again <- struct{}{}:
	default: // it is asked for already
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
// out unless AllowEmpty, as with Traefik; one that does not run is told as stopped if it has the
// label traefik.docker.allownonrunning=true. An engine that is away is waited for, and the last word
// counts until it is back.
func (p *Provider) Run(ctx context.Context, changed func([]label.Service)) error {
	defer func() { _ = p.engine.Close() }()
	pace := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
	pace.Reset()
	away := false
	for {
		began := time.Now()
		err := p.follow(ctx, changed, func() {
			if away {
				away = false
				p.log.Info("the Docker engine is there", slog.String("engine", p.engine.DaemonHost()))
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > pace.MaxInterval {
			pace.Reset()
		}
		if !away {
			away = true
			p.log.Warn("the Docker engine cannot be reached: its containers are followed once it is there",
				slog.String("engine", p.engine.DaemonHost()), slog.Any("error", err), slog.String("hint", hint(err)))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pace.NextBackOff()):
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

// follow listens to the engine until that fails, and calls reached once it works.
func (p *Provider) follow(ctx context.Context, changed func([]label.Service), reached func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.survey(ctx); err != nil {
		return err
	}
	// Listen first, so that nothing is missed between the listing and the events.
	stream := p.engine.Events(ctx, client.EventsListOptions{Filters: interesting})
	defer drain(cancel, stream)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var since time.Time // first event of the burst; zero between bursts
	for {
		select {
		case err := <-stream.Err:
			if err == nil {
				err = errors.New("the events ended")
			}
			return fmt.Errorf("follow the events: %w", err)
		case event := <-stream.Messages:
			if !matters(event) {
				continue
			}
			now := time.Now()
			if since.IsZero() {
				since = now
			}
			timer.Reset(min(quiet, max(0, patience-now.Sub(since))))
		case <-p.again:
			timer.Reset(quiet)
		case <-timer.C:
			since = time.Time{}
			list, err := p.list(ctx)
			if err != nil {
				return err
			}
			if len(stream.Err) > 0 {
				continue // it may list, but not tell
			}
			reached()
			if !reflect.DeepEqual(list, p.told) {
				p.told = list
				changed(list)
			}
		}
	}
}

// drain waits for the client's goroutine, which ends with the stream.
func drain(cancel context.CancelFunc, stream client.EventsResult) {
	cancel()
	for range stream.Err {
		continue
	}
}
