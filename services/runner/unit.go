package runner

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/compose"
	"axion/services/process"
	"axion/services/process/watch"
	"axion/web/view"
)

// unit is one service that is run.
type unit struct {
	runner  *Runner
	service *compose.Service
	port    int   // in the container; 0 for none
	at      []int // of this machine, one for each instance

	mu         sync.Mutex
	state      view.ServiceState
	detail     string
	hint       string
	notes      []string // of what was prepared
	unresolved []string // notes on variables that keep a name
	rewrites   []compose.Rewrite
	processes  []*process.Process
	serve      func(context.Context) error // in this process; nil for none
	closed     bool
	onClose    []func()
}

// assign finds the service's ports.
func (u *unit) assign(ports *ports) (err error) {
	if u.service.Provider == compose.ByAxion {
		return nil
	}
	if u.port, err = mainPort(u.service); err != nil || u.port == 0 {
		return err
	}
	want := u.port
	if all := published(u.service, u.port); len(all) > 0 && u.service.Provider != compose.ByProcess {
		want = all[0]
	}
	if u.service.Provider == compose.ByUser {
		u.at = []int{want}
		return nil
	}
	for i := range u.scale() {
		port, err := ports.assign(u.service.Name, want+i)
		if err != nil {
			return err
		}
		u.at = append(u.at, port)
	}
	return nil
}

// scale is how many instances there are.
func (u *unit) scale() int {
	if u.service.Kind != "" { // there is one server a service
		return 1
	}
	return max(1, u.service.GetScale())
}

// announce says where the service listens.
func (u *unit) announce(to *compose.Addresses) {
	name, names := u.service.Name, u.service.Names()
	switch {
	case u.service.Kind == compose.Kafka:
		to.Add(name, names, 0, u.runner.opts.Kafka)
	case len(u.at) > 0:
		to.Add(name, names, u.port, local(u.at[0]))
		for _, p := range u.service.Ports {
			if int(p.Target) != u.port && p.Published != "" && u.service.Provider != compose.ByProcess {
				to.Add(name, names, int(p.Target), "127.0.0.1:"+p.Published)
			}
		}
		if u.service.Provider == compose.ByProcess {
			to.Add(name, names, 80, local(u.at[0])) // what a URL without a port means
		}
	}
}

// run starts the service once it may, and looks after it until ctx ends.
func (u *unit) run(ctx context.Context) {
	if !u.await(ctx) {
		return
	}
	switch u.service.Provider {
	case compose.ByAxion:
		u.set(view.ServiceRunning, "", "")
	case compose.ByUser:
		u.awaitUser(ctx)
	default:
		if err := u.start(ctx); err != nil && ctx.Err() == nil {
			u.fail(err)
		}
	}
}

// await waits until all that the service depends on is as far as it asks for.
func (u *unit) await(ctx context.Context) bool {
	for {
		changed := u.runner.Changed()
		waits := u.missing()
		if len(waits) == 0 {
			return true
		}
		u.set(view.ServiceWaiting, "waits for "+strings.Join(waits, ", "), "")
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// missing lists what the service still waits for.
func (u *unit) missing() []string {
	var waits []string
	for name, need := range u.service.DependsOn {
		other := u.runner.unit(name)
		if other == nil {
			continue // not required, and off
		}
		if why := other.lacks(need.Condition); why != "" && (need.Required || !other.hasEnded()) {
			waits = append(waits, name+" "+why)
		}
	}
	slices.Sort(waits)
	return waits
}

// lacks says what the service lacks for a condition of those that depend on it.
func (u *unit) lacks(condition string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch condition {
	case types.ServiceConditionCompletedSuccessfully:
		if u.state != view.ServiceCompleted {
			return "to complete"
		}
	case types.ServiceConditionHealthy:
		if u.state != view.ServiceRunning {
			return "to be healthy"
		}
	default:
		if u.state != view.ServiceRunning && u.state != view.ServiceUnhealthy && u.state != view.ServiceCompleted {
			return "to run"
		}
	}
	return ""
}

func (u *unit) hasEnded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state == view.ServiceFailed || u.state == view.ServiceStopped
}

func (u *unit) set(state view.ServiceState, detail, hint string) {
	u.mu.Lock()
	same := u.state == state && u.detail == detail
	u.state, u.detail, u.hint = state, detail, hint
	u.mu.Unlock()
	if !same {
		u.runner.notify()
	}
}

// fail notes why the service cannot run.
func (u *unit) fail(err error) {
	u.set(view.ServiceFailed, err.Error(), hint(err))
	u.runner.opts.Log.Error(err.Error(), "service", u.service.Name, "file", u.service.File, "line", u.service.Line, "hint", hint(err))
}

// hint is how to mend what an error is about, if it says so.
func hint(err error) string {
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return with.Hint()
	}
	return ""
}

// awaitUser waits until what the user starts listens, and again when it is gone.
func (u *unit) awaitUser(ctx context.Context) {
	needs := u.service.Needs()
	if len(u.at) == 0 {
		u.set(view.ServiceFailed, needs.Error(), hint(needs))
		return
	}
	for ctx.Err() == nil {
		if err := dialable(ctx, local(u.at[0])); err != nil {
			u.set(view.ServiceWaiting, needs.Error(), hint(needs))
		} else {
			u.set(view.ServiceRunning, "", "")
		}
		sleep(ctx, time.Second)
	}
}

// start starts the instances.
func (u *unit) start(ctx context.Context) error {
	commands, err := u.prepare(ctx)
	if err != nil {
		return err
	}
	if u.serve != nil {
		return u.serveHere(ctx)
	}
	policy, err := process.ParseRestart(u.restartPolicy())
	if err != nil {
		return err
	}
	check, err := u.health()
	if err != nil {
		return err
	}
	w, err := u.watcher()
	if err != nil {
		return err
	}
	for i, command := range commands {
		name := u.service.Name
		if i > 0 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		out := process.NewOutput(filepath.Join(u.runner.opts.DataDir, "logs", name+".log"), u.line)
		p := process.New(process.Options{
			Name: name, Command: command, Reaper: u.runner.reaper, Output: out, Restart: policy, ReadyLine: u.service.Run.Ready.Log,
			Ready: u.ready(i), Health: check(i), StopSignal: stopSignal(u.service), StopGrace: grace(u.service), Log: u.runner.opts.Log,
			Changed: func(process.Status) { u.refresh() },
		})
		if !u.atClose(p.Close, func() { _ = out.Close() }) {
			return nil
		}
		u.mu.Lock()
		u.processes = append(u.processes, p)
		u.mu.Unlock()
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	if w != nil {
		return u.follow(ctx, w)
	}
	return nil
}

// atClose has the service's end call functions, in this order. Where that has come it
// calls them now, and is false.
func (u *unit) atClose(all ...func()) bool {
	u.mu.Lock()
	closed := u.closed
	u.onClose = append(u.onClose, all...)
	u.mu.Unlock()
	if closed {
		for _, f := range all {
			f()
		}
	}
	return !closed
}

// watcher watches the service's files, from before it starts; nil if it has none to watch.
func (u *unit) watcher() (*watch.Watcher, error) {
	if len(u.service.Run.Watch) == 0 || u.service.Provider != compose.ByProcess {
		return nil, nil
	}
	return watch.New(u.service.Dir, u.service.Run.Watch)
}

// follow starts the service anew when one of its files changes, until ctx ends.
func (u *unit) follow(ctx context.Context, w *watch.Watcher) error {
	return w.Run(ctx, func(changed []string) {
		u.runner.opts.Log.Info("files changed: it is started anew", "service", u.service.Name, "files", changed)
		if err := u.restart(ctx); err != nil && ctx.Err() == nil {
			u.runner.opts.Log.Error("start anew", "service", u.service.Name, "error", err)
		}
	})
}

// restart starts the instances anew, one after the other: of several some always run.
func (u *unit) restart(ctx context.Context) error {
	u.mu.Lock()
	processes := slices.Clone(u.processes)
	u.mu.Unlock()
	for _, p := range processes {
		if err := p.Restart(ctx); err != nil {
			return err
		}
	}
	return nil
}

// serveHere runs a server in this process until the service is closed.
func (u *unit) serveHere(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended, gone := make(chan error, 1), make(chan struct{})
	u.atClose(cancel, func() { <-gone })
	defer close(gone)
	go func() { ended <- u.serve(ctx) }()
	for dialable(ctx, local(u.at[0])) != nil {
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	u.set(view.ServiceRunning, "", "")
	err := <-ended
	if ctx.Err() != nil {
		u.set(view.ServiceStopped, "", "")
		return nil
	}
	return err
}

func (u *unit) line(l process.Line) {
	if u.runner.opts.Line != nil {
		u.runner.opts.Line(u.service.Name, l)
	}
}

// refresh makes the service's state of those of its processes: the worst counts.
func (u *unit) refresh() {
	rank := map[process.State]view.ServiceState{
		process.Stopped: view.ServiceStopped, process.Starting: view.ServiceStarting, process.Running: view.ServiceRunning,
		process.Unhealthy: view.ServiceUnhealthy, process.Restarting: view.ServiceRestarting, process.Stopping: view.ServiceStopped,
		process.Completed: view.ServiceCompleted, process.Failed: view.ServiceFailed,
	}
	worst := []process.State{
		process.Failed, process.Restarting, process.Unhealthy, process.Starting, process.Stopping, process.Stopped, process.Completed, process.Running,
	}
	u.mu.Lock()
	processes := slices.Clone(u.processes)
	u.mu.Unlock()
	found, problem := len(worst)-1, ""
	var up []string
	for i, p := range processes {
		now, _ := p.Status()
		if at := slices.Index(worst, now.State); at < found || i == 0 {
			found, problem = at, now.Problem
		}
		if (now.State == process.Running || now.State == process.Unhealthy) && i < len(u.at) {
			up = append(up, local(u.at[i]))
		}
	}
	if u.runner.opts.Relocate != nil && u.port != 0 {
		if err := u.runner.opts.Relocate(u.service.Name, up); err != nil {
			u.runner.opts.Log.Error("the gateway does not lead there", "service", u.service.Name, "error", err)
		}
	}
	u.set(rank[worst[found]], problem, "")
}

// close ends the service.
func (u *unit) close() {
	u.mu.Lock()
	u.closed = true
	all := u.onClose
	u.mu.Unlock()
	for _, f := range all {
		f()
	}
}

// restartPolicy is what the file says. A server that is provided is always kept.
func (u *unit) restartPolicy() string {
	if u.service.Provider == compose.ByBacking {
		return "always"
	}
	return u.service.Restart
}

func grace(s *compose.Service) time.Duration {
	if s.StopGracePeriod == nil {
		return 0
	}
	return time.Duration(*s.StopGracePeriod)
}

// stopSignal is what ends the service in order. PostgreSQL's is SIGINT: it waits for no
// client then.
func stopSignal(s *compose.Service) syscall.Signal {
	if s.Kind == compose.Postgres {
		return syscall.SIGINT
	}
	return signals[strings.TrimPrefix(strings.ToUpper(s.StopSignal), "SIG")]
}

// commandFunc makes the command of an instance.
type commandFunc = func(ctx context.Context) (*exec.Cmd, error)
