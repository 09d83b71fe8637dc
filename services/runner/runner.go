// Package runner runs the services of a compose project: each by who provides it, in the
// order of what they depend on, at addresses that all of them know.
package runner

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/backing/postgres"
	"axion/services/compose"
	"axion/services/process"
	"axion/services/procgroup"
	"axion/web/view"
)

// Options say what is run, and beside what.
type Options struct {
	Flags
	// Files are the project's compose files.
	Files   []string
	DataDir string // of logs and of the servers that are provided
	Log     *slog.Logger
	// Line is called with each line that a service writes. It must not wait. Nil for nobody.
	Line func(service string, line process.Line)
	// Kafka is where the broker listens.
	Kafka string
	// Environment is what each process gets, unless the file sets it.
	Environment map[string]string
	// Relocate has the gateway lead to where a service listens, once it is up. Nil: nobody
	// is to be told.
	Relocate func(service string, addresses []string) error
	// Supervise reports what became of an instance; nil: nobody is to be told. Drain waits
	// until the requests that were sent to an address are answered, or ctx ends; nil: there
	// are none.
	Supervise func(Upstream)
	Drain     func(ctx context.Context, address string)
	// Publish has the part of the stack that stands in for a service of a kind be at
	// localhost:published too, which the file publishes a container's port at. The address
	// is where it is, "host:port", also where the error says why it is not there; empty
	// where it is nowhere. Nil: nothing is published.
	Publish func(kind string, target, published int) (address string, err error)
	// FreePorts gives all services free ports, in place of those that the file says.
	FreePorts bool
	Postgres  postgres.Binaries
	// ListenKafka has the broker listen at one more address, for containers. It is required
	// with Docker.
	ListenKafka func(net.Listener) error
	// Gateway are the gateway's "host:port" addresses by the ports that containers call it at.
	Gateway map[int]string
	// Guard keeps other users of this machine from a listener. Nil keeps nobody out.
	Guard func(net.Listener) net.Listener
}

// guard is a listener that Guard looks after.
func (o *Options) guard(l net.Listener) net.Listener {
	if o.Guard == nil {
		return l
	}
	return o.Guard(l)
}

// killTime is what killing takes, over the time to end in order.
const killTime = 2 * time.Second

// Runner runs a project's services. It is safe for concurrent use.
type Runner struct {
	opts       Options
	project    string              // its name
	inactive   map[string][]string // services of profiles that are off
	volumes    types.Volumes
	units      []*unit // in start order
	addresses  *compose.Addresses
	reaper     *procgroup.Reaper
	ports      *ports
	containers *containers
	meter      meter
	ctx        context.Context //nolint:containedctx // of all that runs
	cancel     context.CancelFunc
	stop       sync.Once

	mu      sync.Mutex
	changed chan struct{} // closed when a unit changes
}

// Open reads the compose files and prepares the services: it finds a port for each and
// rewrites what they call each other by. Nothing runs yet. Without a file, or where none can be
// read, which is logged, the runner is nil: the rest of the stack does not need it.
func Open(ctx context.Context, o Options) (*Runner, error) {
	project := o.read(ctx, o.Files)
	project, password, err := o.with(ctx, project)
	if project == nil || err != nil {
		return nil, err
	}
	for _, p := range project.Problems {
		if project.Service(p.Service) == nil { // else the service says so when it is to start
			o.Log.Error(p.Message, "service", p.Service, "file", p.File, "line", p.Line, "hint", p.Hint)
		}
	}
	r, err := newRunner(ctx, project, o)
	if err == nil {
		r.reach(password)
	}
	return r, err
}

// read reads the project of files; nil where there are none, or none that can be read, which is
// logged.
func (o *Options) read(ctx context.Context, files []string) *compose.Project {
	if len(files) == 0 {
		return nil
	}
	project, err := compose.Read(ctx, compose.Options{
		Files: files, Env: os.Environ(), Profiles: append(o.Profiles, profiles()...), Accept: o.Accept, Docker: o.Docker,
	})
	if err != nil {
		o.Log.Error("the services of the compose file do not run", "error", err, "hint", hint(err))
	}
	return project
}

// profiles are those that the environment turns on.
func profiles() []string {
	return strings.FieldsFunc(os.Getenv("COMPOSE_PROFILES"), func(c rune) bool { return c == ',' })
}

// newRunner prepares the services of a project.
func newRunner(ctx context.Context, project *compose.Project, o Options) (*Runner, error) {
	r := &Runner{
		opts: o, project: project.Name, volumes: project.Volumes, inactive: project.Inactive, changed: make(chan struct{}),
		addresses: &compose.Addresses{}, reaper: procgroup.New(o.DataDir, o.Log),
	}
	r.containers = &containers{runner: r}
	if err := r.reaper.SweepLast(); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.ports = newPorts(o.FreePorts)
	for _, s := range project.Services {
		r.ports.reserve(s)
	}
	for _, s := range project.Services {
		u := &unit{runner: r, service: s, state: view.ServiceWaiting, controlled: make(chan struct{}, 1)}
		u.invalid = invalid(project, s.Name)
		if err := u.assign(r.ports); err != nil && u.invalid == nil {
			u.invalid = err
		}
		r.units = append(r.units, u)
	}
	for _, u := range r.units {
		u.announce(r.addresses)
	}
	return r, nil
}

// invalid is what is wrong with a service in the file.
func invalid(project *compose.Project, service string) error {
	for _, p := range project.Problems {
		if p.Service == service && p.Severity == view.SeverityError {
			return hintError{errors.New(p.Message), p.Hint}
		}
	}
	return nil
}

// Group stops what runs in it, in reverse, as [axion/services/lifecycle.Group] does.
type Group interface {
	OnStop(func(context.Context) error)
	AllowStop(time.Duration)
}

// Run starts all services, each once what it depends on is as far as it asks for, and has
// the group end them. It does not wait for them. Call it once. A nil Runner has none.
func (r *Runner) Run(g Group) {
	if r == nil {
		return
	}
	for _, u := range r.units {
		u.expose()
		u.route()
		u.report()
	}
	for _, u := range r.units {
		u.begin()
	}
	g.AllowStop(r.StopTime())
	g.OnStop(func(ctx context.Context) error { r.Close(ctx); return nil })
}

// StopTime is how long the services may take to end: the longest sum of the times that the
// file gives (stop_grace_period) to services which end one after the other.
func (r *Runner) StopTime() time.Duration {
	times := map[string]time.Duration{} // until a service has ended
	for _, u := range slices.Backward(r.units) {
		if u.service.Provider == compose.ByAxion || u.service.Provider == compose.ByUser {
			continue
		}
		name := u.service.Name
		times[name] += grace(u.service) // what it waits for is there: order is that of starts
		for need := range u.service.DependsOn {
			times[need] = max(times[need], times[name])
		}
	}
	var longest time.Duration
	for _, d := range times {
		longest = max(longest, d)
	}
	return longest
}

// Close ends all services, each once those that depend on it are gone, and returns once
// they have ended. What has not ended with ctx, or after StopTime, is killed. It can be
// called again.
func (r *Runner) Close(ctx context.Context) {
	r.stop.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, r.StopTime()+killTime)
		defer cancel()
		for _, u := range r.units { // nothing starts from now on
			u.mu.Lock()
			u.closed = true
			u.mu.Unlock()
			u.report() // nothing waits for it any more
		}
		ended := map[string]chan struct{}{}
		for _, u := range r.units {
			ended[u.service.Name] = make(chan struct{})
		}
		var wg sync.WaitGroup
		for _, u := range r.units {
			wg.Go(func() {
				defer close(ended[u.service.Name])
				for _, other := range r.units {
					if _, depends := other.service.DependsOn[u.service.Name]; depends {
						<-ended[other.service.Name]
					}
				}
				u.close(ctx)
			})
		}
		wg.Wait()
		r.cancel()
		r.containers.close()
		r.reaper.Close()
	})
}

// notify has all who wait look again.
func (r *Runner) notify() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// Changed is closed when a service changes.
func (r *Runner) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// Services is what is known of each service now, in start order. A nil runner has none.
func (r *Runner) Services() []view.Service {
	if r == nil {
		return []view.Service{}
	}
	all := make([]view.Service, 0, len(r.units))
	usage := r.usage()
	for _, u := range r.units {
		all = append(all, u.view(usage))
	}
	return all
}

func (r *Runner) unit(name string) *unit {
	i := slices.IndexFunc(r.units, func(u *unit) bool { return u.service.Name == name })
	if i < 0 {
		return nil
	}
	return r.units[i]
}
