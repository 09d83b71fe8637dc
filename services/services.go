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
	"strconv"
	"strings"

	"github.com/spf13/pflag"
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

// Options of a [Set].
type Options struct {
	// Without names the builtins that are not to run; None leaves out all.
	Without []string
	None    bool
	// Listen opens "host:port" addresses.
	Listen func(addr string) (net.Listener, error)
	// FreePorts gives every service a free port in place of its own.
	FreePorts bool
	Log       *slog.Logger
}

// Register adds the flags --without and --no-builtins to set.
func (o *Options) Register(set *pflag.FlagSet) {
	set.StringArrayVar(&o.Without, "without", nil, "do not start this builtin `SERVICE`: your own process takes its place")
	set.BoolVar(&o.None, "no-builtins", false, "broker, gateway and dashboard only")
}

// check refuses the name of no builtin.
func (o *Options) check() error {
	names := contract.Names()
	for _, name := range o.Without {
		if !slices.Contains(names, name) {
			return fmt.Errorf("--without %s: there is no such builtin, only %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// Config is what the services need to start.
type Config struct {
	// Dir is the stack's data directory.
	Dir     string
	Brokers []string
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
	log     *slog.Logger
	members []*member // in start order
	none    bool
	auth    *auth.Service
	failed  chan error
}

type member struct {
	contract.Service
	listener net.Listener
	host     *host.Host // nil until it is started
}

// Bind opens the services' listeners. A service whose port is taken gets a free
// one, and the log says so.
func Bind(o Options) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Set{log: o.Log, none: o.None, failed: make(chan error, 1)}
	for _, service := range contract.Services() {
		if o.None || slices.Contains(o.Without, service.Name) {
			continue
		}
		port := service.Port
		if o.FreePorts {
			port = 0
		}
		l, err := o.Listen("localhost:" + strconv.Itoa(port))
		if err != nil && port != 0 {
			if l, err = o.Listen("localhost:0"); err == nil {
				o.Log.Warn("port taken, moved to another", "service", service.Name, "port", port, "address", l.Addr().String())
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", service.Name, err), s.Stop(context.Background()))
		}
		s.members = append(s.members, &member{Service: service, listener: l})
	}
	return s, nil
}

// Addresses gives each service's real "host:port", for the gateway.
func (s *Set) Addresses() map[string][]string {
	addresses := map[string][]string{}
	for _, m := range s.members {
		addresses[m.Name] = []string{m.listener.Addr().String()}
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
				Listener: m.listener, Dir: c.Dir, Brokers: c.Brokers, Version: c.Version,
				Issuer: c.issuer(), KeysURL: c.KeysURL, Tracer: c.Tracer, Log: s.log,
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
