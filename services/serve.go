package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/services/contract"
	"axion/services/lifecycle"
	"axion/services/replacement"
	"axion/services/store"
)

// Cluster is the Kafka that a service runs on.
type Cluster interface {
	Seeds() []string
	Client() []kgo.Opt
	Close() error
}

// ServeDeps is what [ServeCommand] needs of the program that it is part of.
type ServeDeps struct {
	Version string
	// Register adds the flags that Connect goes by, --brokers among them.
	Register func(*pflag.FlagSet)
	// Connect connects to the cluster, and makes the topics that are missing.
	Connect func(context.Context, *slog.Logger) (Cluster, error)
	// Dir makes the data directory, which the service shares with others.
	Dir func() (string, error)
	// Running returns the running stack; its errors say why there is none.
	Running func() (Running, error)
	// Listen opens "host:port" addresses.
	Listen func(addr string) (net.Listener, error)
	// Blueprints are codegen's templates.
	Blueprints fs.FS
	// Log takes what the service has to say. Required.
	Log *slog.Logger
	// Trace opens what makes the service's spans; close ends it. Required.
	Trace func(context.Context) (provider func(service, instance string) trace.TracerProvider, close func(context.Context) error, err error)
	// Metrics makes what the service counts with. Nil: nothing is counted.
	Metrics func(service, instance string) (metric.MeterProvider, http.Handler)
}

// ServeCommand is `serve SERVICE`: one builtin alone in its process. Any number of
// processes share a service's work by the partitions of its topics, and its
// database.
func ServeCommand(a ServeDeps) *cobra.Command {
	s := serve{deps: a, log: a.Log}
	cmd := &cobra.Command{
		Use: "serve SERVICE", Short: "Run one service alone, beside others of its kind",
		Long: "Run one service alone, on a Kafka cluster and a PostgreSQL database that its other instances use too: " +
			"those of the running stack, unless flags name others. The stack's gateway sends it requests for as long as it runs. " +
			"When the stack ends, the service waits for the next one on the same data directory.\n\nServices: " +
			strings.Join(contract.Names(), ", "),
		Args: cobra.ExactArgs(1), ValidArgs: contract.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.external, s.port = cmd.Flags().Changed("brokers"), cmd.Flags().Changed("https-port")
			return s.run(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	a.Register(cmd.Flags())
	RegisterDatabase(cmd.Flags(), &s.database)
	RegisterRemoteSignIn(cmd.Flags(), &s.allowRemote)
	cmd.Flags().StringVar(&s.listen, "listen", "", "listen `ADDR` of the service (default its port on localhost)")
	cmd.Flags().IntVar(&s.httpsPort, "https-port", 443, "`PORT` of the gateway's HTTPS, for the addresses that clients see")
	cmd.Flags().BoolVar(&s.printAsJSON, "json", false, "print one line of JSON when ready")
	s.parent.Register(cmd.Flags(), "")
	return cmd
}

type serve struct {
	deps        ServeDeps
	log         *slog.Logger
	external    bool // a cluster is named
	port        bool // and the gateway's
	database    string
	listen      string
	httpsPort   int
	allowRemote bool
	printAsJSON bool
	parent      lifecycle.Parent
	beside      *Running // the stack that it takes its cluster from; nil where --brokers names one
}

// missingFlagError says which flag is missing, and why it is needed.
type missingFlagError struct{ flag, hint string }

func (e *missingFlagError) Error() string { return e.flag + " is missing" }

// Hint is the hint shown with the error.
func (e *missingFlagError) Hint() string { return e.hint }

// validate refuses flags that do not go together, and takes from the running stack what no
// flag says.
func (s *serve) validate(name string) error {
	if err := checkName("serve "+name, name); err != nil {
		return err
	}
	var files bool
	if running, err := s.deps.Running(); err == nil && !s.external {
		s.external, s.beside = true, &running
		files = running.Database == ""
		if s.database == "" {
			s.database = running.Database
		}
		if !s.port {
			s.httpsPort = running.HTTPSPort
		}
	}
	if !s.external {
		return &missingFlagError{"--brokers", "name the Kafka cluster that the other services use, as in --brokers localhost:9092"}
	}
	if s.database == "" && files {
		return &missingFlagError{"--database", "the running stack keeps its data in files, which are its own: start it with --database too, " +
			"as in --database postgres://USER@HOST:5432/DATABASE"}
	}
	if s.database == "" {
		return &missingFlagError{"--database", "name the PostgreSQL database that the service's other instances use, as in " +
			"--database postgres://USER@HOST:5432/DATABASE"}
	}
	if s.allowRemote && name != contract.Auth {
		return fmt.Errorf("--allow-remote-sign-in: %s signs nobody in, only %s does", name, contract.Auth)
	}
	if s.httpsPort < 1 || s.httpsPort > 65535 {
		return fmt.Errorf("--https-port %d: must be from 1 to 65535", s.httpsPort)
	}
	return store.CheckURL(s.database)
}

// run serves until ctx ends or the service does.
func (s *serve) run(ctx context.Context, name string, out io.Writer) error {
	began := time.Now()
	now := *s // with what the stack says
	if err := now.validate(name); err != nil {
		return err
	}
	err := now.serve(ctx, name, func(at string) error {
		s.reuse(at)
		return s.printReady(out, name, at, time.Since(began))
	})
	for errors.Is(err, errStackEnded) {
		err = s.serveNext(ctx, name)
	}
	return err
}

// serve serves until ctx ends, the service does, or the stack beside it; ready is called
// with its address.
func (s *serve) serve(ctx context.Context, name string, ready func(at string) error) error {
	if s.besideBroker() {
		var pending sync.RWMutex
		defer pending.Lock() // once all is logged
		s.log = slog.New(&stackLog{s.log.Handler(), s.ended, &pending})
	}
	set, err := s.bind(name)
	if err != nil {
		return err
	}
	var parts lifecycle.Group
	at := set.Addresses()[name][0]
	return parts.Run(ctx, s.parent.Watch(&parts, false, false, s.log), func(ctx context.Context) error {
		register := s.registration(ctx, &parts, name, at)
		if err := s.start(ctx, &parts, set); err != nil {
			return err
		}
		register()
		s.watch(ctx, &parts)
		return ready(at)
	})
}

// registration returns a function that registers the service with the running stack until
// the parts stop; with a stack that ends, until what was started in between has stopped.
func (s *serve) registration(ctx context.Context, parts *lifecycle.Group, name, at string) (register func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	find := func() (address, secret string, err error) {
		running, err := s.deps.Running()
		return running.Registry, running.Secret, err
	}
	stopped := make(chan struct{})
	leave := func() {
		if s.besideBroker() {
			parts.Go(func() error { return errStackEnded })
			<-stopped
		}
	}
	var registering sync.WaitGroup
	parts.OnStop(func(context.Context) error {
		cancel()
		close(stopped)
		registering.Wait()
		return nil
	})
	return func() {
		registering.Go(func() { replacement.Register(ctx, find, name, at, leave, s.log) })
		parts.OnStop(func(context.Context) error { cancel(); return nil })
	}
}

// start connects to the cluster and starts the service on it.
func (s *serve) start(ctx context.Context, parts *lifecycle.Group, set *Builtins) error {
	provider, closeTraces, err := s.deps.Trace(ctx)
	if err != nil {
		return errors.Join(err, set.Stop(ctx))
	}
	parts.OnStop(closeTraces)
	dir, err := s.deps.Dir()
	var cluster Cluster
	if err == nil {
		cluster, err = s.deps.Connect(ctx, s.log)
	}
	if err != nil {
		return errors.Join(err, set.Stop(ctx))
	}
	parts.OnStop(func(context.Context) error { return cluster.Close() })
	parts.OnStop(set.Stop)
	parts.Go(set.Wait)
	return set.Start(ctx, Config{
		Dir: dir, Brokers: cluster.Seeds(), Client: cluster.Client(), Version: s.deps.Version, Tracer: provider, HTTPSPort: s.httpsPort,
		Issuer: os.Getenv("AXION_AUTH_ISSUER"), KeysURL: os.Getenv("AXION_AUTH_JWKS_URL"),
		Fragments: filepath.Join(dir, "compose.d"), Blueprints: s.deps.Blueprints,
		Metrics: s.deps.Metrics,
	})
}

// bind opens the listener. A busy port is an error: the gateway would not follow
// to another.
func (s *serve) bind(name string) (*Builtins, error) {
	set := newSet(s.log, s.database)
	var err error
	if set.env, err = readEnvironment(); err != nil {
		return nil, err
	}
	set.allowRemote = s.allowRemote
	for _, service := range contract.Services() {
		if service.Name != name {
			continue
		}
		address := s.listen
		if address == "" {
			address = "localhost:" + strconv.Itoa(service.Port)
		}
		l, err := s.deps.Listen(address)
		if err != nil {
			return nil, fmt.Errorf("--listen %s: %w", address, err)
		}
		set.instances = append(set.instances, &instance{Service: service, listener: l, shared: true, id: l.Addr().String()})
	}
	return set, nil
}

// printReady says that the service is ready, and where.
func (s *serve) printReady(out io.Writer, name, address string, took time.Duration) error {
	if at, err := replacement.Address(address); err == nil { // all addresses are none to connect to
		address = at
	}
	url := "http://" + address
	if s.printAsJSON {
		return json.NewEncoder(out).Encode(struct {
			Service string `json:"service"`
			URL     string `json:"url"`
			ReadyMS int64  `json:"ready_ms"`
		}{name, url, took.Milliseconds()})
	}
	_, err := fmt.Fprintf(out, "%s is ready at %s in %s\n", name, url, took.Round(time.Millisecond))
	return err
}
