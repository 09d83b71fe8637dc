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
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"axion/broker"
	"axion/broker/explorer"
	"axion/embed"
	"axion/gateway"
	"axion/gateway/command"
	"axion/gateway/config"
	"axion/gateway/listen"
	"axion/gateway/provider"
	"axion/gateway/supervision"
	"axion/services"
	"axion/services/auth"
	"axion/services/backing/postgres"
	"axion/services/bus/dlq"
	"axion/services/commandline"
	"axion/services/compose"
	"axion/services/contract"
	"axion/services/datadir"
	"axion/services/datadir/private"
	"axion/services/graph"
	"axion/services/lifecycle"
	"axion/services/process"
	"axion/services/runner"
	"axion/services/runner/api"
	runnercommand "axion/services/runner/command"
	"axion/services/runner/publish"
	"axion/services/terminal"
	"axion/web"
	"axion/web/client"
	"axion/web/docs"
	"axion/web/fault"
	"axion/web/summary"
	"axion/web/telemetry"
	"axion/web/tryit"
	"axion/web/view"
)

const version = "0.1.0"

var processStart = time.Now() // as near to exec as a Go program can look

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code: 1 where it fails, unless
// the error says another.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := commands(stderr) //nolint:contextcheck // cobra gives it to each command
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		summary.PrintError(stderr, err)
		return summary.ExitCode(err)
	}
	return 0
}

// commands builds the command line; `axion` alone is `axion up`.
func commands(stderr io.Writer) *cobra.Command {
	traces := telemetry.New()
	f := new(flags)
	handler := terminal.NewHandler(terminal.Open(stderr), &f.terminal)
	log := slog.New(traces.Logs.Handler(handler, "axion"))
	f.addresses.Log = log
	start := func(cmd *cobra.Command, _ []string) error {
		s := &stack{flags: *f, log: log, traces: traces, docs: docs.New(embed.Docs(), cmd.Root())}
		s.printer = terminal.NewPrinter(&s.terminal, cmd.OutOrStdout(), cmd.ErrOrStderr(), s.printAsJSON, log)
		s.OnStop(handler.Flush)
		s.OnStop(s.printer.Close)
		return s.run(cmd.Context(), cmd.OutOrStdout())
	}
	root := &cobra.Command{
		Use: "axion", Short: "A whole development stack in one process", Args: cobra.NoArgs, RunE: start,
		SilenceErrors: true, SilenceUsage: true, PersistentPreRun: func(*cobra.Command, []string) { f.files = provider.Default(f.files) },
	}
	root.PersistentFlags().StringArrayVarP(&f.files, "file", "f", nil,
		"compose `FILE` whose labels are watched (default: the one in this directory)")
	root.PersistentFlags().StringVar(&f.dir.Path, "data", "", "state is kept in `DIR` (default: .axion beside the compose file)")
	f.terminal.Register(root.PersistentFlags())
	upCmd := &cobra.Command{Use: "up", Short: "Start everything (the default)", Args: cobra.NoArgs, RunE: start}
	f.register(root.Flags())
	f.register(upCmd.Flags())
	running := func() (summary.Summary, error) { return summary.Load(f.dir.Resolve(f.files), datadir.Held) }
	checkServer := func(c net.Conn) error { return f.addresses.Guard().CheckServer(c) } // its flags are read by then
	kafka := f.kafka.Connect(func() (string, map[string]string, error) { s, err := running(); return s.Kafka, s.Variables, err })
	root.AddCommand(upCmd, summary.VersionCommand("axion", version), docs.New(embed.Docs(), root).Command(),
		graph.Command(kafka, f.kafka.Register), f.kafka.Command(kafka, dlq.Command(kafka)),
		auth.Command(func() (string, string, error) { s, err := running(); return s.Auth, s.Password, err }, checkServer))
	project := runnercommand.Stack{
		Dir: func() string { return f.dir.Resolve(f.files) }, Files: &f.files, ComposeFiles: provider.ComposeFiles,
		Replacement: services.ReplacementEnvironment, Check: checkServer, Log: log,
	}
	runnercommand.Detachable(upCmd, project)
	root.AddCommand(runnercommand.All(project)...)
	root.AddCommand(services.ServeCommand(services.ServeDeps{
		Version: version, Listen: f.addresses.ListenHTTP, Blueprints: embed.Blueprints(), Log: log,
		Trace:    telemetry.Export(&traces.Logs, log, checkServer),
		Register: func(set *pflag.FlagSet) { f.kafka.Register(set); f.addresses.RegisterUsers(set) },
		Metrics:  new(telemetry.Metrics).Provider, Dir: func() (string, error) { return f.dir.EnsureShared(f.files) },
		Connect: func(ctx context.Context, log *slog.Logger) (services.Cluster, error) {
			return kafka.Open(ctx, broker.Options{Topics: contract.Topics(), Log: log})
		},
		Running: func() (services.Running, error) {
			s, err := running()
			r, unread := services.ParseRunning(s.Services, s.Instance, s.Kafka, len(s.KafkaListeners) > 0)
			return r, errors.Join(err, unread)
		},
	}))
	root.AddCommand(command.All(command.Stack{
		Dashboard: func() (string, error) { s, err := running(); return s.Dashboard, err },
		URLs:      func() ([]string, error) { s, err := running(); return []string{s.HTTP, s.HTTPS, s.Dashboard}, err },
		Own:       func() map[string]string { s, _ := running(); return s.Own() },
		Sources:   func() ([]provider.Source, []string) { return f.baseSources(443), f.files },
	})...)
	commandline.Setup(root, commandline.Options{
		Version: version, Nearest: config.Nearest, Stack: commandline.Stack{Running: running, Check: checkServer, Builtins: contract.Names()},
	})
	return root
}

// flags of `axion up`.
type flags struct {
	files       []string
	dir         datadir.Dir
	parent      lifecycle.Parent
	kafka       broker.Flags
	addresses   listen.Flags
	builtins    services.Options
	terminal    terminal.Flags
	project     runner.Flags
	printAsJSON bool
}

func (f *flags) register(set *pflag.FlagSet) {
	f.dir.Register(set)
	f.parent.Register(set, "ephemeral")
	set.BoolVar(&f.printAsJSON, "json", false, "print one line of JSON when ready")
	f.terminal.RegisterQuiet(set)
	f.kafka.RegisterAll(set)
	f.addresses.Register(set)
	f.builtins.Register(set)
	f.project.Register(set)
}

// baseSources is the layer below the user's files, for a gateway whose HTTPS is on port.
func (f *flags) baseSources(port int) []provider.Source {
	base := []provider.Source{{Name: "embedded", Data: services.AllowOrigins(embed.Dashboard, port)}}
	if !f.builtins.NoBuiltins {
		base = append(base, provider.Source{Name: "embedded", Data: embed.Builtins})
	}
	return base
}

// stack is a running stack.
type stack struct {
	flags
	lifecycle.Group
	log       *slog.Logger
	data      string
	listeners *listen.Listeners
	services  *services.Builtins
	broker    broker.Cluster
	gateway   *gateway.Gateway
	spans     *telemetry.Tracing
	traces    *telemetry.Store
	docs      *docs.Docs
	runner    *runner.Runner // of the compose file's services; nil for none
	printer   *terminal.Printer
	metrics   telemetry.Metrics
	summary   summary.Summary

	environment map[string]string // that each of the user's services gets
}

// run runs the stack until ctx ends or a part of it does.
func (s *stack) run(ctx context.Context, out io.Writer) error {
	check := func(context.Context) error { return s.kafka.Check() }
	follow := s.parent.Watch(&s.Group, s.dir.Ephemeral, s.printAsJSON, s.log)
	return s.Run(ctx, check, follow, s.bind, s.start, s.serve, func(context.Context) error {
		remove, err := s.summary.Publish(out, s.data, "axion", version, s.printAsJSON)
		s.OnStop(func(context.Context) error { return remove() })
		if s.runner != nil {
			s.printer.Start(ctx, s.runner)
		}
		return err
	})
}

// bind takes the data directory and opens every listener before anything starts:
// a busy port costs nothing.
func (s *stack) bind(context.Context) (err error) {
	var release func() error
	if s.data, release, err = s.dir.Open(s.files); err != nil { //nolint:contextcheck // it waits for a moment at most
		return err
	}
	s.OnStop(func(context.Context) error { return release() })
	s.OnAbort(func() { s.dir.Discard(s.data) })
	s.addresses.NoKafka = s.kafka.External()
	if s.listeners, err = s.addresses.Open(); err != nil {
		return err
	}
	s.OnStop(func(context.Context) error { s.listeners.Close(); return nil })
	s.builtins.Listen, s.builtins.FreePorts, s.builtins.Log = s.addresses.ListenHTTP, s.addresses.Auto(), s.log
	s.builtins.Check = s.addresses.Guard().CheckServer
	s.services, err = services.Bind(s.builtins) //nolint:contextcheck // it closes listeners where it fails
	return err
}

// start starts the broker, then the services on it.
func (s *stack) start(ctx context.Context) (err error) {
	s.spans, err = telemetry.NewTracing(ctx, s.traces, &s.traces.Logs, s.log, s.builtins.Check)
	if err != nil {
		return errors.Join(err, s.services.Stop(ctx))
	}
	s.OnStop(s.spans.Close)
	s.OnStop(s.traces.Receive(s.listeners.OTLPHTTP, s.listeners.OTLPGRPC, s.log).Close)
	topics, keep := s.builtins.Topics()
	file := compose.KafkaSettingsOf(ctx,
		compose.Options{Files: provider.ComposeFiles(s.files), Env: os.Environ(), Profiles: s.project.Profiles})
	s.broker, err = s.kafka.Open(ctx, broker.Options{
		Partitions: file.Partitions, Retention: file.Retention, RetentionBytes: file.RetentionBytes,
		Listener: s.listeners.Kafka, More: s.listeners.MoreKafka, Addresses: s.listeners.KafkaAddrs,
		Dir: filepath.Join(s.data, "broker"), Log: s.log.With("service", "broker"), Topics: topics, InfiniteTopics: keep,
		Replaced: services.IsMember,
	})
	if err != nil {
		return errors.Join(err, s.services.Stop(ctx))
	}
	s.OnStop(func(context.Context) error { return s.broker.Close() })
	meter, _ := s.metrics.Provider("axion", "")
	if err := s.broker.RegisterMetrics(meter); err != nil {
		return err
	}
	s.OnStop(s.services.Stop)
	s.gateway, err = gateway.New(gateway.Options{ //nolint:contextcheck // it lives until Close
		DataDir: s.data, Own: s.listeners.Own(), Guard: s.addresses.Guard(), Web: s.listeners.HTTP, WebSecure: s.listeners.HTTPS,
		Base: s.baseSources(listen.Port(s.listeners.HTTPS)), HideBase: s.builtins.NoBuiltins, Files: s.files,
		FragmentDir: filepath.Join(s.data, "compose.d"),
		Addresses:   s.services.AddressesWith("axion", s.listeners.Dashboard.Addr()), StateDir: filepath.Join(s.data, "certificates"),
		Log: s.log.With("service", "gateway"), Version: version, Docker: s.project.Docker,
		Tracer: s.spans.Provider("gateway", ""), Meter: meter, FreePorts: s.addresses.Auto(), Dashboard: listen.URL(s.listeners.Dashboard),
	})
	if err != nil {
		return err
	}
	s.metrics.Add(s.gateway.Metrics())
	s.services.Follow(s.gateway.Relocate)
	s.OnStop(s.services.StopAfterClients(s.gateway.Close))
	s.Go(s.services.Wait)
	return s.services.Start(ctx, services.Config{
		Dir: s.data, Brokers: s.broker.Seeds(), Client: s.broker.Client(), Version: version,
		Tracer: s.spans.Provider, OTLP: listen.URL(s.listeners.OTLPHTTP),
		Metrics: s.metrics.Provider, GroupMembers: s.broker.Admin().Groups().MemberCount,
		HTTPSPort: listen.Port(s.listeners.HTTPS), Issuer: os.Getenv("AXION_AUTH_ISSUER"), KeysURL: os.Getenv("AXION_AUTH_JWKS_URL"),
		Fragments: filepath.Join(s.data, "compose.d"), LocalKafka: s.listeners.LocalKafka(), Private: private.Check,
		WaitRouted: s.gateway.WaitHost, Blueprints: embed.Blueprints(),
	})
}

// serve opens the gateway and the dashboard to clients.
func (s *stack) serve(ctx context.Context) error {
	if err := s.runProject(ctx); err != nil {
		return err
	}
	s.gateway.Start() //nolint:contextcheck // it lives until Close
	s.Go(s.gateway.Wait)
	published, err := publish.Open(publish.Options{
		Dir: filepath.Join(s.data, "compose.d"), Listen: s.addresses.ListenHTTP, Log: s.log.With("service", "gateway"),
		Routes: s.gateway.API().Routes, WaitHost: s.gateway.WaitHost,
	})
	if err != nil {
		return err
	}
	s.OnStop(published.Close)
	if err := s.buildSummary(ctx); err != nil {
		return err
	}
	s.summary.Registry, s.summary.RegistrySecret = published.Place()
	messages := explorer.New(s.broker.Admin(), s.spans.Provider("dashboard", ""), s.log) //nolint:contextcheck // it lives until Close
	s.OnStop(messages.Close)
	deadLetters := &dlq.API{Open: func() (*dlq.Client, error) { return dlq.Open(s.broker.Seeds(), s.broker.Client()...) }}
	user := s.services.DevelopmentUser()
	options := web.Options{
		Listener: s.listeners.Dashboard, Assets: embed.Assets(), Log: s.log, Version: version, System: s.system,
		Gateway: s.gateway.API(), Traces: s.traces, Metrics: &s.metrics,
		Requests: &tryit.GatewayTransport{Resolve: s.gateway.EntryPoints().Address, RootCAs: s.gateway.RootPool(), Token: user.Token},
		User:     user.Credentials,
		Routes:   s.gateway.API().Routes, Problems: func() []view.Problem { return view.Of(s.gateway.API().Problems()) },
		Topics: messages.Topics, Messages: messages.Search,
	}
	if !s.builtins.NoBuiltins {
		options.Client = &client.Options{
			Graph: contract.PublicURL(contract.GraphHost, listen.Port(s.listeners.HTTPS)), Gateway: listen.Address(s.listeners.HTTPS),
			RootCAs: s.gateway.RootPool(), Token: user.JWT, Session: user.Token,
		}
	}
	faults := fault.New(fault.Options{Gateway: s.gateway.Break, Broker: s.broker.InjectFault, Off: s.kafka.NotOurs(), Log: s.log})
	s.OnStop(faults.Close)
	project := &api.API{Runner: s.runner, Environment: s.environment, Shutdown: s.End}
	options.Services = project.Services
	options.Register = []func(huma.API){
		project.Register, faults.Register, s.gateway.API().Register, messages.Register, deadLetters.Register, s.docs.Register,
	}
	options.Channels = messages.Channels()
	options.Channels["faults"] = faults.Watch
	dashboard, err := web.New(options) //nolint:contextcheck // it lives until Close
	if err != nil {
		return err
	}
	s.OnStop(dashboard.Close)
	s.Go(func() error { return dashboard.Run(context.WithoutCancel(ctx)) })
	return nil
}

// runProject has the services of the compose file run, if there is one.
func (s *stack) runProject(ctx context.Context) (err error) {
	s.environment = runner.Variables(s.broker.Addr(), listen.URL(s.listeners.OTLPHTTP), listen.URL(s.listeners.Dashboard),
		s.gateway.TrustVariables())
	s.runner, err = runner.Open(ctx, runner.Options{
		Files: provider.ComposeFiles(s.files), DataDir: s.data, Log: s.log, Kafka: s.broker.Addr(), FreePorts: s.addresses.Auto(),
		Flags: s.project, ListenKafka: s.broker.Listen, Guard: s.addresses.KeepOut, Environment: s.environment,
		Gateway:  map[int]string{80: listen.Address(s.listeners.HTTP), 443: listen.Address(s.listeners.HTTPS)},
		Postgres: postgres.UserBinaries(), Relocate: s.gateway.Relocate, Drain: s.gateway.Drain,
		Supervise: func(u runner.Upstream) { s.gateway.Supervise(supervision.State(u)) },
		Publish:   s.gateway.Publisher(&s.addresses, s.listeners, s.broker.Listen).Publish,
		Line: func(service string, l process.Line) {
			s.traces.Logs.AddLine(service, l.Stream, l.Text, l.Time)
			s.printer.Print(terminal.Line{Service: service, Time: l.Time, Stream: l.Stream, Text: l.Text})
		},
	})
	s.runner.Run(&s.Group) //nolint:contextcheck // its services live until the group ends them
	return err
}

// system is what the dashboard shows of the parts.
func (s *stack) system(ctx context.Context) view.System {
	parts := append([]view.Part{broker.Status(ctx, s.broker)},
		s.summary.Parts(listen.Address(s.listeners.HTTPS), listen.Address(s.listeners.Dashboard))...)
	return view.System{
		ReadyMS: s.summary.ReadyMS, Problems: view.Of(s.broker.Problems()), Addresses: s.summary.Addresses(),
		Parts: append(parts, s.services.Status(ctx, listen.Port(s.listeners.HTTPS))...),
	}
}

// buildSummary notes that the stack is ready, and where.
func (s *stack) buildSummary(ctx context.Context) (err error) {
	https := listen.Port(s.listeners.HTTPS)
	s.summary = summary.Summary{
		Instance: s.dir.Instance, Variables: s.kafka.Variables(), Services: s.services.Running(https).JSON(),
		Kafka: s.broker.Addr(), KafkaListeners: s.listeners.KafkaAddrs, CA: s.gateway.RootFile(), Auth: s.services.AuthURL(),
		HTTP: fmt.Sprintf("http://localhost:%d", listen.Port(s.listeners.HTTP)), HTTPS: fmt.Sprintf("https://localhost:%d", https),
		Dashboard: listen.URL(s.listeners.Dashboard), OTLPHTTP: listen.URL(s.listeners.OTLPHTTP), OTLPGRPC: listen.URL(s.listeners.OTLPGRPC),
		Links: append(summary.Links(s.services.Status(ctx, https)), summary.Link{Name: "watching", URL: strings.Join(s.files, ", ")}),
	}
	s.summary.AddServices(s.runner.Services(), s.gateway.API().Routes())
	user := s.services.DevelopmentUser()
	s.summary.User, s.summary.Password = user.Credentials()
	s.summary.Token, err = user.Token(ctx)
	s.summary.ReadyMS = time.Since(processStart).Milliseconds()
	return err
}
