// Package services is the set of builtin services as the stack runs it: their
// listeners, and their starting and stopping together. The services themselves
// know nothing of each other.
package services

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"axion/services/auth"
	"axion/services/codegen"
	"axion/services/contract"
	"axion/services/deployment"
	"axion/services/graph"
	"axion/services/host"
	"axion/services/infrastructure"
	"axion/services/ingest"
)

// Config is what the services need to start.
type Config struct {
	// Dir is the stack's data directory.
	Dir string
	// Brokers are the Kafka seeds; Client is what else it takes to connect.
	Brokers []string
	Client  []kgo.Opt
	Version string
	Tracer  trace.TracerProvider
	// HTTPSPort is the gateway's, for the addresses that clients see.
	HTTPSPort int
	// Issuer and KeysURL name an identity provider in place of the builtin one;
	// see [axion/services/auth/verifier.Options]. Empty means the builtin one.
	Issuer, KeysURL string
	// Fragments is the directory of compose files that the gateway watches.
	Fragments string
	// Routed waits until the gateway routes a host; nil means not to wait.
	Routed func(ctx context.Context, host string) error
	// Blueprints are codegen's templates.
	Blueprints fs.FS
}

// Set is the builtin services of one stack. Bind makes it, Start may be called
// once, and Stop ends it in every case. Status and Addresses are safe for
// concurrent use once Start has returned.
type Set struct {
	log      *slog.Logger
	members  []*member // in start order
	none     bool
	database string
	failed   chan error

	mu   sync.Mutex // guards auth while the services start
	auth *auth.Service
}

type member struct {
	contract.Service
	listener net.Listener
	shared   bool       // other instances use its database
	host     *host.Host // nil until it is started
}

// Bind opens the services' listeners. A service whose port is taken gets a free
// one, and the log says so.
func Bind(o Options) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Set{log: o.Log, none: o.None, database: o.Database, failed: make(chan error, 1)}
	for _, service := range contract.Services() {
		if o.None || slices.Contains(o.Without, service.Name) {
			continue
		}
		instances := max(o.Scale[service.Name], 1)
		for i := range instances {
			l, err := o.listen(service, i)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", service.Name, err), s.Stop(context.Background()))
			}
			s.members = append(s.members, &member{Service: service, listener: l, shared: instances > 1 || o.Database != ""})
		}
	}
	return s, nil
}

// Addresses gives the real "host:port" of each service's instances, for the
// gateway.
func (s *Set) Addresses() map[string][]string {
	addresses := map[string][]string{}
	for _, m := range s.members {
		addresses[m.Name] = append(addresses[m.Name], m.listener.Addr().String())
	}
	return addresses
}

// Start starts the services side by side and returns when each has its database
// open and its partitions assigned.
func (s *Set) Start(ctx context.Context, c Config) error {
	if (c.Issuer == "") != (c.KeysURL == "") {
		return errors.New("AXION_AUTH_ISSUER and AXION_AUTH_JWKS_URL go together: set both, or neither")
	}
	builders := s.builders(c)
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range s.members {
		group.Go(func() error {
			h, err := builders[m.Name](ctx, host.Options{
				Listener: m.listener, Dir: c.Dir, Brokers: c.Brokers, Client: c.Client, Database: s.database, Shared: m.shared,
				Version: c.Version, Issuer: c.issuer(), KeysURL: c.KeysURL, Tracer: c.Tracer, Log: s.log,
			})
			if err != nil {
				return err
			}
			m.host = h
			return h.Start(ctx)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, m := range s.members {
		go s.watch(m.host)
	}
	return nil
}

type builder func(context.Context, host.Options) (*host.Host, error)

func (s *Set) builders(c Config) map[string]builder {
	return map[string]builder{
		contract.Auth: func(ctx context.Context, o host.Options) (*host.Host, error) {
			a, err := auth.New(ctx, o, auth.Options{BaseURL: contract.PublicURL(contract.AuthHost, c.HTTPSPort)})
			if err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.auth = a
			return a.Host, nil
		},
		contract.Codegen: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return codegen.New(ctx, o, c.Blueprints)
		},
		contract.Infrastructure: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return infrastructure.New(ctx, o, infrastructure.Options{
				Fragments: c.Fragments, HTTPSPort: c.HTTPSPort, Routed: c.Routed,
			})
		},
		contract.Deployment: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return deployment.New(ctx, o, deployment.Options{})
		},
		contract.Graph:  graph.New,
		contract.Ingest: ingest.New,
	}
}

// watch passes on the failure of a service, and ends with it at its Stop.
func (s *Set) watch(h *host.Host) {
	if err := <-h.Failed(); err != nil {
		select {
		case s.failed <- err:
		default:
		}
	}
}

// issuer is the identity provider whose tokens the services accept.
func (c Config) issuer() string {
	if c.Issuer != "" {
		return c.Issuer
	}
	return contract.PublicURL(contract.AuthHost, c.HTTPSPort)
}

// Failed delivers the error that ended a running service.
func (s *Set) Failed() <-chan error { return s.failed }

// Stop ends the services in reverse order, each once those that ask it are gone.
func (s *Set) Stop(ctx context.Context) error {
	var errs []error
	for _, m := range slices.Backward(s.members) {
		if m.host == nil {
			_ = m.listener.Close()
			continue
		}
		errs = append(errs, m.host.Stop(ctx))
	}
	return errors.Join(errs...)
}
