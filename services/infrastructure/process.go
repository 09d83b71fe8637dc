package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/procgroup"
)

// process is a project's process under supervision: it is started again when it
// ends or is no longer healthy.
type process struct {
	launcher *launcher
	runtime  runtime
	number   int
	log      *logFile
	started  time.Time
	cancel   context.CancelFunc
	ended    chan struct{}
	healthy  chan struct{} // closed when it is for the first time
	gaveUp   chan struct{} // closed when it ended too often before that

	mu       sync.Mutex
	current  status
	attempts int
}

// startProcess starts a process on rt's port, or on another where that is taken. It runs
// until it is closed.
func (l *launcher) startProcess(ctx context.Context, rt runtime) (*process, error) {
	port, err := freePort(rt.port)
	if err != nil {
		return nil, fmt.Errorf("start process: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &process{
		launcher: l, runtime: rt, number: port, log: l.logs.of(rt.projectID), started: time.Now(), cancel: cancel,
		ended: make(chan struct{}), healthy: make(chan struct{}), gaveUp: make(chan struct{}),
		current: status{state: contract.StateStarting},
	}
	go p.supervise(ctx)
	return p, nil
}

// port implements [workload].
func (p *process) port() int { return p.number }

// status implements [workload].
func (p *process) status() status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.current
	s.started = p.started
	return s
}

// set changes the status.
func (p *process) set(change func(*status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.current)
}

// close implements [workload].
func (p *process) close() {
	p.cancel()
	<-p.ended
}

// waitHealthy waits until the process is healthy for the first time. Its error may be shown
// to the project's owner.
func (p *process) waitHealthy(ctx context.Context) error {
	timer := time.NewTimer(healthyTimeout)
	defer timer.Stop()
	why := fmt.Sprintf("is not healthy after %s", healthyTimeout)
	select {
	case <-p.healthy:
		return nil
	case <-p.gaveUp:
		why = fmt.Sprintf("ended %d times before it was healthy", maxEarlyExits)
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	if problem := p.status().problem; problem != "" {
		why += " (" + problem + ")"
	}
	return bus.Permanent(fmt.Errorf("the process %s; its last lines: %s", why, p.log.tail()))
}

// supervise runs the process, again whenever it ends, until ctx ends.
func (p *process) supervise(ctx context.Context) {
	defer close(p.ended)
	retry := &backoff.ExponentialBackOff{InitialInterval: 250 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
		MaxInterval: 30 * time.Second}
	for {
		began := time.Now()
		err := p.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		p.log.note("ended: " + err.Error())
		p.launcher.log.Warn("process ended", "project", p.runtime.projectID, "slug", p.runtime.slug, "error", err)
		if time.Since(began) > stableAfter {
			retry.Reset()
		}
		p.fail(err)
		timer := time.NewTimer(retry.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		p.set(func(s *status) { s.restarts++ })
	}
}

// fail sets the status of a process that has ended with err.
func (p *process) fail(err error) {
	p.set(func(s *status) {
		s.state, s.pid, s.problem = contract.StateRestarting, 0, err.Error()
		var missing *exec.Error
		if errors.As(err, &missing) {
			s.state = contract.StateFailed // it is tried all the same: it may be installed
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempts++; p.attempts == maxEarlyExits {
		close(p.gaveUp)
	}
}

// runOnce runs the process until it ends, is not healthy, or ctx ends. It returns which.
func (p *process) runOnce(ctx context.Context) error {
	p.log.note("start: " + strings.Join(p.runtime.run.Command, " "))
	cmd, err := p.launcher.start(p.runtime, p.runtime.run.Command, p.number, p.log)
	if err != nil {
		return err
	}
	p.set(func(s *status) { s.state, s.pid = contract.StateStarting, cmd.Process.Pid })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	unhealthy := make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); unhealthy <- p.watch(watching) }()
	defer func() { stop(); <-watched }()
	select {
	case err := <-ended:
		p.launcher.reaper.Kill(cmd) // what it left behind
		if err == nil {
			err = errors.New("it ended by itself, with status 0")
		}
		return err
	case err := <-unhealthy:
		_ = p.launcher.reaper.Terminate(cmd, ended, syscall.SIGTERM, procgroup.DefaultGrace) // it did not end by itself
		return err
	}
}
