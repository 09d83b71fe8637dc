// Command axion runs a whole development stack in one process: an embedded
// Kafka broker, a gateway that follows Traefik labels, the services of the model
// system, and a dashboard.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"axion/broker"
	"axion/embed"
	"axion/gateway"
	"axion/gateway/listen"
	"axion/gateway/provider"
	"axion/services"
	"axion/services/auth"
	"axion/services/bus/dlq"
	"axion/services/contract"
	"axion/services/graph"
	"axion/web"
	"axion/web/summary"
)

const version = "0.1.0"

var began = time.Now() // as near to exec as a Go program can look

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := commands(stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		summary.PrintError(stderr, err)
		return 1
	}
	return 0
}

// commands builds the command line; `axion` alone is `axion up`.
func commands(stderr io.Writer) *cobra.Command {
	var f flags
	log := slog.New(slog.NewTextHandler(stderr, nil))
	start := func(cmd *cobra.Command, _ []string) error { return up(cmd.Context(), f, cmd.OutOrStdout(), log) }
	root := &cobra.Command{
		Use: "axion", Short: "A whole development stack in one process", Args: cobra.NoArgs, RunE: start,
		SilenceErrors: true, SilenceUsage: true, CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRun: func(*cobra.Command, []string) { f.files = provider.Default(f.files) },
	}
	root.PersistentFlags().StringArrayVarP(&f.files, "file", "f", nil, "compose `FILE` whose labels are watched (default: the one in this directory)")
	root.PersistentFlags().StringVar(&f.dir.Path, "data", "", "state is kept in `DIR` (default: .axion beside the compose file)")
	upCmd := &cobra.Command{Use: "up", Short: "Start everything (the default)", Args: cobra.NoArgs, RunE: start}
	f.register(root.Flags())
	f.register(upCmd.Flags())
	running := func() (summary.Summary, error) { return summary.Load(f.dir.Locate(f.files)) }
	kafka := func() (string, error) { s, err := running(); return s.Kafka, err }
	root.AddCommand(upCmd, summary.VersionCommand("axion", version), graph.Command(kafka), broker.Command(kafka, dlq.Command(kafka)),
		auth.Command(func() (string, error) { s, err := running(); return s.Auth, err }))
	root.AddCommand(gateway.Commands(gateway.Around{
		Dashboard: func() (string, error) { s, err := running(); return s.Dashboard, err },
		URLs:      func() ([]string, error) { s, err := running(); return []string{s.HTTP, s.HTTPS, s.Dashboard}, err },
		Sources:   func() ([]provider.Source, []string) { return f.base(), f.files },
	})...)
	return root
}

// flags of `axion up`.
type flags struct {
	files       []string
	dir         broker.Dir
	kafka       broker.Flags
	addresses   listen.Flags
	builtins    services.Options
	docker      bool
	printAsJSON bool
}

func (f *flags) register(set *pflag.FlagSet) {
	set.BoolVar(&f.dir.Ephemeral, "ephemeral", false, "keep nothing: state lives in a temporary directory")
	set.BoolVar(&f.docker, "docker", false, "follow the labels of running containers too")
	set.BoolVar(&f.printAsJSON, "json", false, "print one line of JSON when ready")
	f.kafka.Register(set)
	f.addresses.Register(set)
	f.builtins.Register(set)
}

// base is the layer below the user's files.
func (f *flags) base() []provider.Source {
	base := []provider.Source{{Name: "embedded", Data: embed.Dashboard}}
	if !f.builtins.None {
		base = append(base, provider.Source{Name: "embedded", Data: embed.Builtins})
	}
	return base
}

// stack is a running stack. Its parts stop in the reverse order of stops.
type stack struct {
	flags
	log    *slog.Logger
	stops  []func(context.Context) error
	failed chan error // one that nobody reads any more must not block its part

	data      string
	listeners *listen.Listeners
	services  *services.Set
	broker    broker.Cluster
	gateway   *gateway.Gateway
	summary   summary.Summary
}

// up runs the stack until ctx ends or a part of it does.
func up(ctx context.Context, f flags, out io.Writer, log *slog.Logger) (err error) {
	s := &stack{flags: f, log: log, failed: make(chan error, 4)}
	defer func() { err = errors.Join(err, s.stop()) }()
	announce := func(context.Context) error { return s.announce(out) }
	for _, step := range []func(context.Context) error{s.bind, s.start, s.serve, announce} {
		if err := step(ctx); err != nil && ctx.Err() != nil {
			return nil // stopped while starting
		} else if err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	case err := <-s.services.Failed():
		return err
	}
}

func (s *stack) onStop(fn func(context.Context) error) { s.stops = append(s.stops, fn) }

// stop ends the parts under one deadline.
func (s *stack) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// bind takes the data directory and opens every listener before anything starts:
// a busy port costs nothing.
func (s *stack) bind(context.Context) (err error) {
	var release func() error
	if s.data, release, err = s.dir.Open(s.files); err != nil {
		return err
	}
	s.onStop(func(context.Context) error { return release() })
	s.addresses.NoKafka = s.kafka.External()
	if s.listeners, err = s.addresses.Open(); err != nil {
		return err
	}
	s.onStop(func(context.Context) error { s.listeners.Close(); return nil })
	s.builtins.Listen, s.builtins.FreePorts, s.builtins.Log = listen.Listen, s.addresses.Auto(), s.log
	s.services, err = services.Bind(s.builtins)
	return err
}

// start starts the broker, then the services on it.
func (s *stack) start(ctx context.Context) (err error) {
	tracer := sdktrace.NewTracerProvider() // without an exporter: for the ids in traceparent
	s.onStop(tracer.Shutdown)
	s.broker, err = s.kafka.Open(ctx, broker.Options{
		Listener: s.listeners.Kafka, Dir: filepath.Join(s.data, "broker"), Log: s.log,
		Topics: contract.Topics(), Keep: []string{contract.HistoryTopic(contract.Graph)},
	})
	if err != nil {
		return errors.Join(err, s.services.Stop(ctx))
	}
	s.onStop(func(context.Context) error { return s.broker.Close() })
	s.onStop(s.services.Stop)
	fragments := filepath.Join(s.data, "compose.d")
	addresses := s.services.Addresses()
	addresses["axion"] = []string{s.listeners.Dashboard.Addr().String()}
	s.gateway, err = gateway.New(gateway.Options{
		Web: s.listeners.HTTP, WebSecure: s.listeners.HTTPS, Base: s.base(), Files: s.files, FragmentDir: fragments,
		Addresses: addresses, StateDir: filepath.Join(s.data, "certificates"), Log: s.log, Version: version, Docker: s.docker,
		FreePorts: s.addresses.Auto(), Dashboard: "http://" + s.listeners.Dashboard.Addr().String(),
	})
	if err != nil {
		return err
	}
	s.onStop(s.gateway.Close)
	return s.services.Start(ctx, services.Config{
		Dir: s.data, Brokers: s.broker.Seeds(), Client: s.broker.Client(), Version: version, Tracer: tracer,
		HTTPSPort: listen.Port(s.listeners.HTTPS), Issuer: os.Getenv("AXION_AUTH_ISSUER"), KeysURL: os.Getenv("AXION_AUTH_JWKS_URL"),
		Fragments: fragments, Routed: s.gateway.WaitHost, Blueprints: embed.Blueprints(),
	})
}

// serve opens the gateway and the dashboard to clients.
func (s *stack) serve(ctx context.Context) error {
	s.gateway.Start()
	s.watch(s.gateway.Wait)
	if err := s.summarize(ctx); err != nil {
		return err
	}
	options := web.Options{
		Listener: s.listeners.Dashboard, Assets: embed.Assets(), Log: s.log, Version: version, System: s.system, Gateway: s.gateway.API(),
		Routes:   func() []web.Route { return web.Reshape[[]web.Route](s.gateway.Routes()) },
		Problems: func() []web.Problem { return web.Reshape[[]web.Problem](s.gateway.Problems()) },
		Topics: func(ctx context.Context) ([]web.Topic, error) {
			topics, err := s.broker.Admin().Topics(ctx)
			return web.Reshape[[]web.Topic](topics), err
		},
	}
	if !s.builtins.None {
		options.Client = &web.Client{
			Graph: contract.PublicURL(contract.GraphHost, listen.Port(s.listeners.HTTPS)), Gateway: s.listeners.HTTPS.Addr().String(),
			RootCAs: s.gateway.RootPool(), Token: s.services.Token,
		}
	}
	dashboard, err := web.New(options)
	if err != nil {
		return err
	}
	s.onStop(dashboard.Close)
	s.watch(func() error { return dashboard.Run(context.WithoutCancel(ctx)) })
	return nil
}

// watch has the error of a part that ends by itself end the stack.
func (s *stack) watch(part func() error) {
	go func() {
		if err := part(); err != nil {
			s.failed <- err
		}
	}()
}

// system is what the dashboard shows of the parts.
func (s *stack) system(ctx context.Context) web.System {
	parts := []web.Part{
		{Name: "broker", Kind: web.KindBroker, State: web.StateHealthy, Address: s.broker.Addr()},
		{Name: "gateway", Kind: web.KindGateway, State: web.StateHealthy, Address: s.listeners.HTTPS.Addr().String(), URL: s.summary.HTTPS},
		{Name: "dashboard", Kind: web.KindDashboard, State: web.StateHealthy, Address: s.listeners.Dashboard.Addr().String(), URL: s.summary.Dashboard},
	}
	if err := s.broker.Healthy(ctx); err != nil {
		parts[0].State, parts[0].Detail = web.StateUnhealthy, err.Error()
	}
	return web.System{
		ReadyMS: s.summary.ReadyMS, Addresses: web.Reshape[web.Addresses](s.summary),
		Parts: append(parts, web.Reshape[[]web.Part](s.services.Status(ctx, listen.Port(s.listeners.HTTPS)))...),
	}
}

// summarize notes that the stack is ready, and where.
func (s *stack) summarize(ctx context.Context) (err error) {
	https := listen.Port(s.listeners.HTTPS)
	s.summary = summary.Summary{
		Kafka: s.broker.Addr(), CA: s.gateway.RootFile(), Auth: s.services.AuthURL(),
		HTTP:      fmt.Sprintf("http://localhost:%d", listen.Port(s.listeners.HTTP)),
		HTTPS:     fmt.Sprintf("https://localhost:%d", https),
		Dashboard: "http://" + s.listeners.Dashboard.Addr().String(),
		Links: append(web.Reshape[[]summary.Link](s.services.Status(ctx, https)),
			summary.Link{Name: "user", URL: s.services.User()}, summary.Link{Name: "watching", URL: strings.Join(s.files, ", ")}),
	}
	s.summary.Token, err = s.services.Token(ctx)
	s.summary.ReadyMS = time.Since(began).Milliseconds()
	return err
}

// announce prints the summary.
func (s *stack) announce(out io.Writer) error {
	remove, err := s.summary.Save(s.data)
	if err != nil {
		return err
	}
	s.onStop(func(context.Context) error { return remove() })
	if s.printAsJSON {
		return s.summary.PrintJSON(out)
	}
	return s.summary.Print(out, "axion", version)
}
