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
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"axion/services/auth"
	"axion/services/bus"
	"axion/services/codegen"
	"axion/services/contract"
	"axion/services/deployment"
	"axion/services/graph"
	"axion/services/host"
	"axion/services/infrastructure"
	"axion/services/ingest"
	"axion/services/replacement"
)

// Config is what the services need to start.
type Config struct {
	// Dir is the stack's data directory.
	Dir string
	// Brokers are the Kafka seeds; Client is what else it takes to connect.
	Brokers []string
	Client  []kgo.Opt
	Version string
	// Tracer gives the provider of a service's spans; instance says those of one
	// service apart where several run, and is empty else.
	Tracer func(service, instance string) trace.TracerProvider
	// GroupMembers counts the members of a consumer group: a user's own service may listen
	// nowhere else. Nil: nobody is looked for.
	GroupMembers func(ctx context.Context, group string) (int, error)
	// OTLP is where projects' processes may send telemetry over HTTP; empty: nowhere.
	OTLP string
	// Metrics makes what each instance counts with. Nil: nothing is counted.
	Metrics func(service, instance string) (metric.MeterProvider, http.Handler)
	// HTTPSPort is the gateway's, for the addresses that clients see.
	HTTPSPort int
	// Issuer and KeysURL name an identity provider in place of the builtin one;
	// see [axion/services/auth/verifier.Options]. Empty means the builtin one.
	Issuer, KeysURL string
	// Fragments is the directory of compose files that the gateway watches.
	Fragments string
	// LocalKafka says that Kafka answers nobody beyond this machine: else no
	// project may run as a process, which whoever reaches Kafka could make.
	LocalKafka bool
	// Private reports who else may write into a folder or one above it: no project may
	// run as a process where that is an error. Nil: it is not looked at.
	Private func(dir string) error
	// WaitRouted waits until the gateway routes a host; nil means not to wait.
	WaitRouted func(ctx context.Context, host string) error
	// Blueprints are codegen's templates.
	Blueprints fs.FS
}

// Builtins is the builtin services of one stack. Bind makes it, Start may be called
// once, and Stop ends it in every case. Status and Addresses are safe for
// concurrent use once Start has returned.
type Builtins struct {
	log         *slog.Logger
	instances   []*instance // in start order
	noBuiltins  bool
	without     []string              // builtins that are not run here
	addressless map[string][]string   // those of them that are nowhere by themselves, for the gateway
	registry    *replacement.Registry // nil where it serves alone
	database    string
	env         environment
	client      *http.Client // asks those of them that are elsewhere
	// allowRemote lets clients of other machines sign in.
	allowRemote  bool
	version      string
	groupMembers func(ctx context.Context, group string) (int, error)
	failed       chan error
	stopped      chan struct{}
	user         DevelopmentUser
}

type instance struct {
	contract.Service
	listener    net.Listener
	shared      bool       // other instances use its database
	id          string     // its address, where others run
	host        *host.Host // nil until it is started
	portChanged bool       // its own port was taken
	started     time.Time
}

func newSet(log *slog.Logger, database string) *Builtins {
	return &Builtins{log: log, database: database, failed: make(chan error, 1), stopped: make(chan struct{})}
}

// Bind opens the services' listeners. A service whose port is taken gets a free
// one, and the log says so.
func Bind(o Options) (*Builtins, error) {
	host.UseProblems() // the dashboard answers so too, with none of the services
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := newSet(o.Log, o.Database)
	left, err := o.leftOut()
	if err != nil {
		return nil, err
	}
	if s.env, err = readEnvironment(); err != nil {
		return nil, err
	}
	s.client = host.Client(o.Check)
	s.noBuiltins, s.without, s.addressless, s.allowRemote = o.NoBuiltins, slices.Sorted(maps.Keys(left)), map[string][]string{},
		o.AllowRemoteSignIn
	for _, service := range contract.Services() {
		if at, out := left[service.Name]; o.NoBuiltins || out {
			if out && (o.FreePorts || len(at) > 0) {
				s.addressless[service.Name] = at
			}
			continue
		}
		if err := s.bind(service, o); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", service.Name, err), s.Stop(context.Background()))
		}
	}
	s.registry, err = replacement.New(
		replacement.Options{Fixed: s.Addresses(), Listen: o.Listen, CheckReplaceable: s.checkReplaceable, Log: o.Log})
	if err != nil {
		return nil, errors.Join(err, s.Stop(context.Background()))
	}
	return s, nil
}

// bind opens the listeners of a service's instances.
func (s *Builtins) bind(service contract.Service, o Options) error {
	instances := max(o.Scale[service.Name], 1)
	for i := range instances {
		l, err := o.listen(service, i)
		if err != nil {
			return err
		}
		m := &instance{Service: service, listener: l, shared: instances > 1 || o.Database != ""}
		m.portChanged = !o.FreePorts && i == 0 && portOf(l) != service.Port
		if instances > 1 {
			m.id = l.Addr().String()
		}
		s.instances = append(s.instances, m)
	}
	return nil
}

// DevelopmentUser returns the user of the builtin auth service.
func (s *Builtins) DevelopmentUser() *DevelopmentUser { return &s.user }

// Addresses returns the real "host:port" of each service's instances, for the
// gateway, and of what takes the place of one that is not run here. One that is there
// with none is nowhere until it registers.
func (s *Builtins) Addresses() map[string][]string {
	addresses := maps.Clone(s.addressless)
	if addresses == nil {
		addresses = map[string][]string{}
	}
	for _, m := range s.instances {
		addresses[m.Name] = append(addresses[m.Name], m.listener.Addr().String())
	}
	return addresses
}

// Start starts the services side by side and returns when each has its database
// open and its partitions assigned.
func (s *Builtins) Start(ctx context.Context, c Config) error {
	if (c.Issuer == "") != (c.KeysURL == "") {
		return errors.New("AXION_AUTH_ISSUER and AXION_AUTH_JWKS_URL go together: set both, or neither")
	}
	builders := s.builders(c)
	s.version, s.groupMembers = c.Version, c.GroupMembers
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range s.without {
		group.Go(func() error {
			err := bus.InitGroupOffsets(ctx, bus.Options{Service: name, Brokers: c.Brokers, Client: c.Client, Log: s.log})
			if err != nil && ctx.Err() == nil { // only a service that is new may miss something
				s.log.Warn("where its group begins is not kept", "service", name, "error", err)
			}
			return nil
		})
	}
	for _, m := range s.instances {
		group.Go(func() error {
			h, err := builders[m.Name](ctx, host.Options{
				Listener: m.listener, Dir: c.Dir, Brokers: c.Brokers, Client: c.Client, Database: s.database, Shared: m.shared,
				Version: c.Version, Issuer: c.issuer(), KeysURL: c.KeysURL, Tracer: c.Tracer(m.Name, m.id), Metrics: c.Metrics,
				Instance: m.id, Log: s.log, Auth: s.authKind(),
			})
			if err != nil {
				return err
			}
			m.host = h
			err = h.Start(ctx)
			m.started = time.Now().UTC()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, m := range s.instances {
		go s.watch(m.host)
	}
	return nil
}

type builder func(context.Context, host.Options) (*host.Host, error)

func (s *Builtins) builders(c Config) map[string]builder {
	return map[string]builder{
		contract.Auth: func(ctx context.Context, o host.Options) (*host.Host, error) {
			a, err := auth.New(ctx, o, s.authOptions(c.HTTPSPort))
			if err != nil {
				return nil, err
			}
			s.user.setAuth(a)
			return a.Host, nil
		},
		contract.Codegen: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return codegen.New(ctx, o, c.Blueprints)
		},
		contract.Infrastructure: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return infrastructure.New(ctx, o, infrastructure.Options{
				Fragments: c.Fragments, HTTPSPort: c.HTTPSPort, Routed: c.WaitRouted, Brokers: c.Brokers, OTLP: c.OTLP,
				ProcessesDisabled: c.processRuntimeDisabledReason(), Private: c.Private,
			})
		},
		contract.Deployment: func(ctx context.Context, o host.Options) (*host.Host, error) {
			return deployment.New(ctx, o, deployment.Options{})
		},
		contract.Graph:  graph.New,
		contract.Ingest: ingest.New,
	}
}

// processRuntimeDisabledReason says why projects may not run as processes, "" where they may.
func (c Config) processRuntimeDisabledReason() string {
	if c.LocalKafka {
		return ""
	}
	return "whoever reaches Kafka could run commands here, and it is not axion's own on this machine alone"
}

// watch passes on the failure of a service, and ends with it at its Stop.
func (s *Builtins) watch(h *host.Host) {
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

// Wait returns the error that ended a running service, or nil at Stop.
func (s *Builtins) Wait() error {
	select {
	case err := <-s.failed:
		return err
	case <-s.stopped:
		return nil
	}
}

// StopAfterClients gives a function that stops what stands before the services, such as a
// gateway, once the clients of their WebSockets have been notified of the end.
func (s *Builtins) StopAfterClients(stop func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var all sync.WaitGroup
		for _, m := range s.instances {
			if m.host != nil {
				all.Go(m.host.Leave)
			}
		}
		all.Wait()
		return stop(ctx)
	}
}

// Stop ends the services in reverse order, each once those that ask it are gone.
// Call it once.
func (s *Builtins) Stop(ctx context.Context) error {
	defer close(s.stopped)
	if s.registry != nil {
		defer s.registry.Close(ctx) // last: what is under way here may need who has registered
	}
	var errs []error
	for _, m := range slices.Backward(s.instances) {
		if m.host == nil {
			_ = m.listener.Close()
			continue
		}
		errs = append(errs, m.host.Stop(ctx))
	}
	return errors.Join(errs...)
}
