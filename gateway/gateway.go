// Package gateway is the HTTP front of the stack: it reads routers, services
// and middlewares from Traefik's labels, terminates TLS by the local authority,
// and sends each request to the service that its rule names.
//
// A [Gateway] holds one immutable routing table at a time; a changed source
// replaces it in one step, and requests under way finish on the one they began.
package gateway

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/gateway/api"
	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/entrypoint"
	"axion/gateway/explain"
	"axion/gateway/fault"
	"axion/gateway/lint"
	"axion/gateway/listen/peer"
	"axion/gateway/middleware"
	"axion/gateway/observe"
	"axion/gateway/provider"
	"axion/gateway/provider/docker"
	"axion/gateway/proxy"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/gateway/secret"
	"axion/gateway/supervision"
)

// Options of a [Gateway].
type Options struct {
	// Web and WebSecure are the listeners of the entrypoints of these names,
	// plain HTTP and HTTPS. The gateway closes them. Nil leaves one out.
	Web, WebSecure net.Listener
	// Base is the compose document below every file. Empty means none.
	Base []provider.Source
	// Files are compose files, each a layer above the one before.
	Files []string
	// Docker follows the containers of this machine's engine too.
	Docker bool
	// FragmentDir is a watched directory of compose fragments, above the files.
	// Empty means none.
	FragmentDir string
	// FreePorts opens the entrypoints that a compose file has its own Traefik open
	// beside web and websecure on free ports, not on theirs.
	FreePorts bool
	// Own is where the stack listens, by what is there, beside the entrypoints:
	// routers of the user's do not lead there, but for Addresses under their own
	// names. Empty means nowhere.
	Own map[string]net.Addr
	// Addresses gives the real "host:port" of compose services that run inside
	// this process, or in its place. One of Base's with an empty list is nowhere: its
	// port is not asked. See [Gateway.Relocate].
	Addresses map[string][]string
	// Guard says whose connections are led to Own. Nil: everybody's.
	Guard *peer.Guard
	// CADir holds the local authority's root. Empty means axion/ca in the user's
	// configuration directory.
	CADir string
	// DataDir is the directory of the stack's own state: beside the folder of a
	// compose file the only place where its own Traefik's access log is written.
	// Empty means none.
	DataDir string
	// StateDir keeps issued certificates between runs. Empty keeps them in memory.
	StateDir string
	// HideBase has the API leave out what Base defines: nothing of it is the user's.
	HideBase bool
	// Dashboard is the URL of the stack's dashboard, where browsers that open
	// Traefik's are sent. Empty means there is none.
	Dashboard string
	// Tracer makes a span of each request. Nil makes none, and leaves the headers
	// of traces alone.
	Tracer trace.TracerProvider
	// Meter measures requests by OpenTelemetry's conventions, beside Traefik's
	// names. Nil leaves it at those.
	Meter metric.MeterProvider
	// Version is what the API says.
	Version string
	// Log receives reloads, health changes and failed upstreams. Nil discards.
	Log *slog.Logger
}

// Gateway routes requests. Its methods are safe for concurrent use.
type Gateway struct {
	log      *slog.Logger
	provider *provider.Provider
	engine   *docker.Provider // nil where no engine is followed
	cert     *cert.Authority
	proxy    *proxy.Proxy
	// upstreams are the servers whose processes the stack supervises.
	upstreams *supervision.Set
	env       middleware.Env
	table     atomic.Pointer[routing.Table]
	deps      routing.Deps // that tables are built with; New sets it
	observer  *observe.Observer
	own       ownListeners
	faults    fault.Set
	rules     rule.Cache
	linter    lint.Checker
	applying  sync.Mutex // held while a table is built and put in force
	api       *api.API
	// entrypoints are those that are open; nil until New has all that they need.
	entrypoints *entrypoint.Set
	pending     pendingHandshakes

	ctx     context.Context // of every request, and of what runs behind
	cancel  context.CancelCauseFunc
	closer  func(context.Context) error
	running sync.WaitGroup
	ending  sync.Once
	opened  chan struct{} // closed by Start
	ended   chan struct{}
	err     error // why it ended, once ended is closed
}

// New reads every source, opens the local authority and builds the first table.
// A source that is no compose file is an error; what is wrong with labels is in
// [Gateway.Problems]. On an error the listeners are left to the caller; else
// Close must be called, also where Start never is.
func New(opts Options) (*Gateway, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{
		log:       opts.Log,
		api:       new(api.API),
		pending:   pendingHandshakes{timeout: routeTimeout},
		upstreams: supervision.New(),
		ended:     make(chan struct{}),
		opened:    make(chan struct{}),
	}
	if err := g.own.read(opts); err != nil {
		return nil, err
	}
	g.ctx, g.cancel = context.WithCancelCause(context.Background())
	g.observer = observe.New(observe.Options{
		Context:      g.ctx,
		Servers:      func() []observe.Server { return servers(g.table.Load(), opts.HideBase) },
		Connections:  func() []observe.Connections { return g.entrypoints.Connections() },
		Certificates: func() []observe.Certificate { return certificates(g.cert) },
		Tracer:       opts.Tracer,
		Meter:        opts.Meter,
		Log:          opts.Log,
	})
	g.env = middleware.Env{Context: g.ctx, Port: portsOf(opts), Log: opts.Log}
	g.deps = g.newDeps() // to check with; the proxy is not needed for that
	containers, err := g.containers(opts)
	if err != nil {
		return nil, err
	}
	g.provider, err = provider.New(provider.Options{
		Base:       opts.Base,
		Files:      opts.Files,
		Dir:        opts.FragmentDir,
		Addresses:  opts.Addresses,
		DataDir:    opts.DataDir,
		Containers: containers,
		Rules:      &g.rules,
		Check:      func(d *config.Dynamic) []config.Problem { return routing.Check(d, g.table.Load(), g.deps) },
		Log:        opts.Log,
	})
	if err != nil {
		return nil, err
	}
	g.cert, err = cert.New(cert.Options{Dir: opts.CADir, Storage: opts.StateDir, Routed: g.allowHost, Log: opts.Log})
	if err != nil {
		return nil, err
	}
	proxyOptions := proxy.Options{Control: g.own.control, Upstreams: g.upstreams, Begin: g.opened, Log: opts.Log}
	if opts.Guard != nil && opts.Guard.InForce() {
		proxyOptions.Check, g.env.Check = g.own.checkServer, g.own.checkServer
	}
	g.proxy = proxy.New(proxyOptions)
	g.open(opts)
	g.deps = g.newDeps()
	g.closer = onceWithContext(g.shutdown)
	g.applying.Lock()
	defer g.applying.Unlock()
	g.setTable(g.provider.Dynamic(),
		map[routing.Endpoint]net.Listener{{Address: routing.Web}: opts.Web, {Address: routing.WebSecure}: opts.WebSecure})
	g.observer.Reloaded()
	return g, nil
}

// open makes the entrypoints, and the API that shows them.
func (g *Gateway) open(opts Options) {
	explainer := &explain.Explainer{Table: g.table.Load, Cert: g.cert, Faults: &g.faults, Context: g.ctx, Middleware: g.env,
		Dashboard: opts.Dashboard}
	g.entrypoints = entrypoint.New(entrypoint.Options{
		Context: g.ctx, Cert: g.cert, Observer: g.observer, Faults: &g.faults, Control: g.own.control, NotFound: explainer.NotFound,
		Reapply: g.reapply, Fail: g.fail, FreePorts: opts.FreePorts, Log: g.log,
	})
	explainer.EntryPoints, g.own.entrypoints = g.entrypoints, g.entrypoints
	g.api = api.New(api.Options{
		Table: g.table.Load, EntryPoints: g.entrypoints, Cert: g.cert, Provider: g.provider, Observer: g.observer, Faults: &g.faults,
		Explainer: explainer, Ended: g.ended, HideBase: opts.HideBase, Dashboard: opts.Dashboard, Version: opts.Version,
	})
}

// containers follows the engine where that is wanted.
func (g *Gateway) containers(opts Options) (provider.Containers, error) {
	if !opts.Docker {
		return nil, nil
	}
	settings := func() config.StaticDocker { return g.provider.Dynamic().Static.Docker }
	var err error
	g.engine, err = docker.New(docker.Options{
		Log:        opts.Log,
		Network:    func() string { return settings().Network },
		AllowEmpty: func() bool { return settings().AllowEmptyServices },
	})
	return g.engine, err
}

// portsOf gives middlewares the port of the entrypoint that serves a scheme.
func portsOf(opts Options) func(string) int {
	port := func(l net.Listener) int {
		if l == nil {
			return 0
		}
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			return tcp.Port
		}
		return 0
	}
	web, secure := port(opts.Web), port(opts.WebSecure)
	return func(scheme string) int {
		switch scheme {
		case "http", "ws":
			return web
		case "https", "wss":
			return secure
		}
		return 0
	}
}

// Start serves the listeners, watches the sources and begins the health checks: what is
// behind the gateway may start, and be relocated, until then. It returns at once, and is to
// be called once.
func (g *Gateway) Start() {
	if g.provider.Refresh() || g.own.added.Load() {
		g.apply(g.provider.Dynamic())
	}
	g.running.Go(func() {
		if err := g.provider.Run(g.ctx, g.apply); err != nil {
			g.fail(fmt.Errorf("watch compose files: %w", err))
		}
	})
	close(g.opened)
	g.entrypoints.Start()
}

// Wait returns once the gateway has ended: nil after Close, else why it ended
// by itself.
func (g *Gateway) Wait() error {
	<-g.ended
	return g.err
}

// fail ends the gateway because of err; nil is why Close does.
func (g *Gateway) fail(err error) {
	g.ending.Do(func() {
		g.err = err
		close(g.ended)
	})
}

// apply puts d in force.
func (g *Gateway) apply(d *config.Dynamic) {
	g.applying.Lock()
	defer g.applying.Unlock()
	g.setTable(d, nil)
	g.observer.Reloaded()
}

// reapply puts t in force once more, if it still is.
func (g *Gateway) reapply(t *routing.Table) {
	g.applying.Lock()
	defer g.applying.Unlock()
	if g.table.Load() == t {
		g.setTable(t.Dynamic, nil)
	}
}

// setTable builds a table of d and puts it in force. The caller holds applying.
func (g *Gateway) setTable(d *config.Dynamic, given map[routing.Endpoint]net.Listener) {
	old := g.table.Load()
	ports := g.own.serverPorts(d)
	g.own.ports.Store(&ports)
	next := routing.Build(d, old, g.deps)
	g.rules.Forget()
	next.AddProblems(g.cert.Apply(next.TLSSettings())...)
	change := g.entrypoints.Reconcile(next, given)
	g.observer.KeepFrom(next.Alive)
	listening := g.own.with(next.EntryPoints)
	g.own.now.Store(&listening)
	if err := g.observer.Apply(d.Static); err != nil {
		next.AddProblems(d.Static.Problem(config.Origin{}, config.Warning,
			"the access log and the metrics stay as they were: "+err.Error(), ""))
	}
	next.TCP.Start()
	g.entrypoints.Show(change)
	g.table.Store(next) // once requests are routed by it: who waits for a route may ask for it at once
	if old != nil {
		old.ReplaceBy(next)
	}
	if old != nil && g.engine != nil && changed(old.Dynamic.Static.Docker, d.Static.Docker) {
		g.engine.Refresh()
	}
	refused, known := map[config.Problem]bool{}, map[config.Problem]bool{}
	for _, p := range d.Problems {
		refused[p] = p.Severity == config.Error // the provider has reported it, and what it does about it
	}
	if old != nil {
		for _, p := range slices.Concat(old.Problems, old.Dynamic.Problems) {
			known[p] = true
		}
	}
	for _, p := range slices.Concat(d.Problems, next.Problems) {
		if refused[p] || known[p] {
			continue
		}
		level := slog.LevelWarn
		if p.Severity == config.Notice {
			level = slog.LevelInfo
		}
		p.Message, p.Fix = secret.URL(p.Message), secret.URL(p.Fix)
		g.log.Log(g.ctx, level, p.Error(), p.Attrs()...)
	}
}

// changed reports whether the engine's containers count in another way.
func changed(was, now config.StaticDocker) bool {
	return was.Network != now.Network || was.AllowEmptyServices != now.AllowEmptyServices
}

// newDeps are what a table is built with, as far as it is there.
func (g *Gateway) newDeps() routing.Deps {
	return routing.Deps{
		Current: g.table.Load, Internals: g.api.Internals(), Port: g.entrypoints.Port,
		Own: g.own.with, Private: g.own.private, Addresses: g.own.addresses, Guard: g.own.guard, Control: g.own.control,
		Begin: g.opened, Rules: &g.rules, Proxy: g.proxy, Linter: &g.linter, Middleware: g.env, Log: g.log,
	}
}

// Metrics reads the metrics under Traefik's names.
func (g *Gateway) Metrics() prometheus.Gatherer { return g.observer.Gatherer() }

// RootFile is the PEM file of the local authority's root certificate.
func (g *Gateway) RootFile() string { return g.cert.RootFile() }

// RootPool holds the local authority's root certificate.
func (g *Gateway) RootPool() *x509.CertPool { return g.cert.Pool() }

// API shows the table in force.
func (g *Gateway) API() *api.API { return g.api }

// EntryPoints are those that are open.
func (g *Gateway) EntryPoints() *entrypoint.Set { return g.entrypoints }
