package runner

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"axion/services/compose"
	"axion/services/process"
	"axion/services/process/watch"
	"axion/web/view"
)

// commandFunc makes the command of an instance.
type commandFunc = func(ctx context.Context) (*exec.Cmd, error)

// start starts the instances, and looks after the service's files until the attempt ends.
func (u *unit) start(a *attempt) error {
	commands, serve, err := u.prepare(a.ctx)
	if err != nil {
		return err
	}
	if u.service.Provider == compose.ByContainer {
		a.last = u.removeContainers
	}
	u.publish(a)
	if serve != nil {
		return u.serveHere(a, serve)
	}
	policy, err := process.ParseRestart(u.restartPolicy())
	if err != nil {
		return hintError{err, "write one of no, always, unless-stopped, on-failure and on-failure:N"}
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
		p, out := u.instance(a, i, process.Options{
			Command: command, Restart: policy, Health: check(i), Ready: u.ready(a, i), Explain: u.explain(i),
		})
		if !a.add(p, out) {
			break
		}
		if err := p.Start(a.ctx); err != nil {
			a.fail(err) // its state says so
			break
		}
	}
	a.settle()
	if w != nil {
		return u.follow(a, w)
	}
	return nil
}

// instance makes the i-th process of the service.
func (u *unit) instance(a *attempt, i int, o process.Options) (*process.Process, *process.Output) {
	name := u.service.Name
	if i > 0 {
		name = fmt.Sprintf("%s-%d", name, i+1)
	}
	o.Output = process.NewOutput(filepath.Join(u.runner.opts.DataDir, "logs", name+".log"), u.line)
	o.Log = u.log().With("instance", i+1)
	if u.scale() == 1 {
		o.Log = u.log()
	}
	o.Reaper, o.ReadyLine = u.runner.reaper, u.service.Run.Ready.Log
	o.StopSignal, o.StopGrace = stopSignal(u.service), grace(u.service)
	o.Drain = u.drain(i)
	o.Changed = func(process.Status) { u.refresh(a) }
	return process.New(o), o.Output
}

// watcher watches the service's files, from before it starts; nil if it has none to watch.
func (u *unit) watcher() (*watch.Watcher, error) {
	if len(u.service.Run.Watch) == 0 || u.service.Provider != compose.ByProcess {
		return nil, nil
	}
	return watch.New(u.service.Dir, u.service.Run.Watch)
}

// follow starts the service anew when one of its files changes, until the attempt ends.
func (u *unit) follow(a *attempt, w *watch.Watcher) error {
	return w.Run(a.ctx, func(changed []string) {
		u.log().Info("files changed: it is started anew", "files", changed)
		u.expect(WithCause(a.ctx, changedFiles(changed)), view.ServiceWasRestarted)
		if err := a.restart(a.ctx); err != nil && a.ctx.Err() == nil {
			u.log().Error("start anew", "error", err)
		}
	})
}

// serveHere runs a server in this process until the attempt ends.
func (u *unit) serveHere(a *attempt, serve func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() { ended <- serve(a.ctx) }()
	for dialable(a.ctx, local(u.at[0])) != nil {
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	u.set(view.ServiceRunning, "", "")
	a.settle()
	err := <-ended
	if a.ctx.Err() != nil {
		return nil
	}
	return err
}

func (u *unit) line(l process.Line) {
	if u.runner.opts.Line != nil {
		u.runner.opts.Line(u.service.Name, l)
	}
}

// ranks are the states of processes, the worst first, and what they make of the service's.
var ranks = []struct {
	of process.State
	is view.ServiceState
}{
	{process.Failed, view.ServiceFailed},
	{process.Restarting, view.ServiceRestarting},
	{process.Unhealthy, view.ServiceUnhealthy},
	{process.Starting, view.ServiceStarting},
	{process.Stopping, view.ServiceStopped},
	{process.Stopped, view.ServiceStopped},
	{process.Completed, view.ServiceCompleted},
	{process.Running, view.ServiceRunning},
}

// refresh makes the service's state of those of its processes: the worst counts.
func (u *unit) refresh(a *attempt) {
	u.refreshing.Lock() // what is found out last is what the service's state is
	defer u.refreshing.Unlock()
	worst, problem, remedy := len(ranks), "", ""
	for _, p := range a.all() {
		now, _ := p.Status()
		for rank, of := range ranks {
			if of.of == now.State && rank < worst {
				worst, problem, remedy = rank, now.Problem, now.Hint
			}
		}
	}
	if worst < len(ranks) {
		u.set(ranks[worst].is, problem, remedy)
	}
}

// restartPolicy is what the file says: restart, or without it deploy.restart_policy. A
// server that is provided is always kept.
func (u *unit) restartPolicy() string {
	if u.service.Provider == compose.ByBacking {
		return "always"
	}
	if d := u.service.Deploy; u.service.Restart == "" && d != nil && d.RestartPolicy != nil {
		policy := map[string]string{"none": "no", "on-failure": "on-failure", "any": "always", "": "always"}[d.RestartPolicy.Condition]
		if limit := d.RestartPolicy.MaxAttempts; policy == "on-failure" && limit != nil {
			policy += fmt.Sprintf(":%d", *limit)
		}
		return policy
	}
	return u.service.Restart
}

// grace is how long the service may take to end in order.
func grace(s *compose.Service) time.Duration {
	if s.StopGracePeriod == nil {
		return process.DefaultStopGrace
	}
	return time.Duration(*s.StopGracePeriod)
}

// stopSignal is what ends the service in order. PostgreSQL's is SIGINT: it waits for no
// client then.
func stopSignal(s *compose.Service) syscall.Signal {
	if s.Kind == compose.Postgres {
		return syscall.SIGINT
	}
	return process.Signals[strings.TrimPrefix(strings.ToUpper(s.StopSignal), "SIG")]
}
