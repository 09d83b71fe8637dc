// Package runner runs the services of a compose project: each by who provides it, in the
// order of what they depend on, at addresses that all of them know.
package runner

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"axion/services/backing/postgres"
	"axion/services/compose"
	"axion/services/process"
	"axion/services/procgroup"
	"axion/web/view"
)

// Options say what is run, and beside what.
type Options struct {
	Project *compose.Project
	DataDir string // of logs and of the servers that are provided
	Reaper  *procgroup.Reaper
	Log     *slog.Logger
	// Line is told of each line that a service writes. It must not wait. Nil for nobody.
	Line func(service string, line process.Line)
	// Kafka is where the broker listens.
	Kafka string
	// Environment is what each process gets, unless the file sets it.
	Environment map[string]string
	// Relocate tells the gateway where a service listens, which may be nowhere. Nil for
	// nobody.
	Relocate func(service string, addresses []string)
	// FreePorts gives all services free ports, in place of those that the file says.
	FreePorts bool
	Postgres  postgres.Binaries
}

// Runner runs a project's services. It is safe for concurrent use.
type Runner struct {
	opts      Options
	units     []*unit // in start order
	addresses *compose.Addresses
	wg        sync.WaitGroup
	cancel    context.CancelFunc
	stop      sync.Once

	mu      sync.Mutex
	changed chan struct{} // closed when a unit changes
}

// New prepares the services: it finds a port for each and rewrites what they call each
// other by. Nothing runs yet.
func New(o Options) (*Runner, error) {
	r := &Runner{opts: o, changed: make(chan struct{}), addresses: &compose.Addresses{}}
	ports := newPorts(o.FreePorts)
	for _, s := range o.Project.Services {
		u := &unit{runner: r, service: s, state: view.ServiceWaiting}
		if err := u.assign(ports); err != nil {
			return nil, fmt.Errorf("service %q: %w", s.Name, err)
		}
		r.units = append(r.units, u)
	}
	for _, u := range r.units {
		u.announce(r.addresses)
	}
	return r, nil
}

// Start starts all services, each once what it depends on is as far as it asks for. It
// does not wait for them.
func (r *Runner) Start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, u := range r.units {
		r.wg.Go(func() { u.run(ctx) })
	}
}

// Stop ends all services, each once those that depend on it are gone. It can be called
// again.
func (r *Runner) Stop() {
	r.stop.Do(func() {
		r.cancel()
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
				u.close()
			})
		}
		wg.Wait()
		r.wg.Wait()
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

// Services is what is known of each service now, in start order.
func (r *Runner) Services() []view.Service {
	all := make([]view.Service, 0, len(r.units))
	for _, u := range r.units {
		all = append(all, u.view())
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
