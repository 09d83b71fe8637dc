package process

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// once runs the command until it ends or something else is asked for, and answers c when
// it has been started.
func (p *Process) once(ctx context.Context, c command) (end exit, next *command) {
	p.set(func(s *Status) { s.State, s.Problem, s.Hint, s.Started = Starting, "", "", time.Now() })
	p.opts.Output.begin()
	var line <-chan struct{}
	if p.opts.ReadyLine != "" {
		line = p.opts.Output.expect(p.opts.ReadyLine)
	}
	cmd, wait, err := p.launch(ctx)
	c.answer(err)
	if err != nil {
		return exit{code: -1, err: err, launch: true}, nil
	}
	p.set(func(s *Status) { s.PID = cmd.Process.Pid })
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	watching, stop := context.WithCancel(ctx)
	sick, watched := make(chan error, 1), make(chan struct{})
	go func() { defer close(watched); sick <- p.watch(watching, line) }()
	defer func() { stop(); <-watched }()
	for {
		select {
		case err := <-ended:
			p.opts.Reaper.Kill(cmd) // what it left behind
			return p.exit(cmd, err), nil
		case err := <-sick:
			sick = nil
			if err != nil && ctx.Err() == nil {
				p.terminate(cmd, ended, Stopping)
				return exit{code: -1, err: err}, nil
			}
		case asked := <-p.wanted:
			if asked.kind == doStart {
				asked.answer(nil)
				continue
			}
			state := Stopping
			if asked.kind == doRestart {
				state = Restarting
			}
			p.drain(ctx, ended, state)
			p.terminate(cmd, ended, state)
			return exit{}, &asked
		case <-ctx.Done():
			p.terminate(cmd, ended, Stopping)
			return exit{}, nil
		}
	}
}

// launch starts the command; wait waits for its end, and for all that it has written.
func (p *Process) launch(ctx context.Context) (cmd *exec.Cmd, wait func() error, err error) {
	cmd, err = p.opts.Command(ctx)
	if err != nil {
		return nil, nil, err
	}
	out, errors := &stream{output: p.opts.Output, name: "stdout"}, &stream{output: p.opts.Output, name: "stderr"}
	cmd.Stdout, cmd.Stderr = out, errors
	cmd.WaitDelay = time.Second // for what it has started to close the pipes
	wait = func() error {
		err := cmd.Wait()
		out.flush()
		errors.flush()
		return err
	}
	return cmd, wait, p.opts.Reaper.Start(cmd)
}

// drain calls Options.Drain, until the process has ended or is to be killed.
func (p *Process) drain(ctx context.Context, ended chan error, state State) {
	if p.opts.Drain == nil {
		return
	}
	p.set(func(s *Status) { s.State = state })
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	drained := make(chan struct{})
	go func() { defer close(drained); p.opts.Drain(ctx) }()
	select {
	case <-drained:
	case err := <-ended:
		cancel()
		<-drained
		ended <- err // it has room
	}
}

func (p *Process) terminate(cmd *exec.Cmd, ended <-chan error, state State) {
	p.set(func(s *Status) { s.State = state })
	stop := context.AfterFunc(p.patience, func() { p.opts.Reaper.Kill(cmd) })
	defer stop()
	_ = p.opts.Reaper.Terminate(cmd, ended, p.opts.StopSignal, p.opts.StopGrace) // how it ends is our doing
}

// watch waits until the process is ready, and looks after its health. Its error is why the
// process shall be ended.
func (p *Process) watch(ctx context.Context, line <-chan struct{}) error {
	if line != nil {
		select {
		case <-line:
		case <-ctx.Done():
		}
	}
	if p.opts.Ready != nil {
		if err := p.opts.Ready(ctx, p.report); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if p.opts.Health.Check == nil {
		p.set(func(s *Status) { s.State, s.Problem, s.Hint = Running, "", "" })
		return nil
	}
	p.opts.Health.watch(ctx, func(err error) {
		before, _ := p.Status()
		p.set(func(s *Status) {
			if s.State, s.Problem, s.Hint = Running, "", ""; err != nil {
				s.State, s.Problem, s.Hint = Unhealthy, err.Error(), cmp.Or(hint(err), unhealthyHint)
			}
		})
		if err != nil && before.State != Unhealthy {
			p.opts.Log.Warn("the health check fails", "error", err, "hint", cmp.Or(hint(err), unhealthyHint))
		}
	})
	return nil
}

const unhealthyHint = "mend what it checks, or correct the healthcheck"

// report notes why a process that starts is not ready yet.
func (p *Process) report(err error) {
	p.set(func(s *Status) { s.Problem, s.Hint = err.Error(), hint(err) })
}

func (p *Process) exit(cmd *exec.Cmd, err error) exit {
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended; what it had started holds its output
	}
	e := exit{code: cmd.ProcessState.ExitCode(), err: err}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal().String()
	}
	e.lines = p.opts.Output.Tail()
	if e.err != nil && p.opts.Explain != nil {
		e.cause = p.opts.Explain(e.lines)
	}
	return e
}
