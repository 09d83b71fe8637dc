// Package process runs commands under supervision: started again as a policy says,
// ready when a check says so, healthy while another does, ended with all that they have
// started.
package process

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"axion/services/procgroup"
)

// State is what a process is doing.
type State string

// States. A process is [Running] once it is ready.
const (
	Stopped    State = "stopped" // it was asked to be, or was never started
	Starting   State = "starting"
	Running    State = "running"
	Unhealthy  State = "unhealthy"
	Restarting State = "restarting" // it ended, and a restart is due
	Stopping   State = "stopping"
	Completed  State = "completed" // it ended with status 0, and is not started again
	Failed     State = "failed"    // it ended otherwise, and is not started again
)

// Options say what runs, and how.
type Options struct {
	// Command makes the command for a start. It is called before each.
	Command func(ctx context.Context) (*exec.Cmd, error)
	Reaper  *procgroup.Reaper
	Output  *Output
	Restart Restart
	// Ready returns once a process that has been started is ready, nil, or will not be. It may
	// report in the meantime why it is not. A nil func: it is ready at once.
	Ready func(ctx context.Context, report func(error)) error
	// Explain returns what the last lines of a process mean that has failed; nil for
	// nothing that is known. Nil explains nothing.
	Explain func(lines string) error
	// ReadyLine is a text of a line that the process writes before it can be ready; "" is none.
	ReadyLine string
	// Health checks a process that is ready. Its zero value checks nothing.
	Health Health
	// StopSignal ends it in order. 0 is SIGTERM.
	StopSignal syscall.Signal
	// StopGrace is how long it may take for that; 0 is 10 s, as compose has it.
	StopGrace time.Duration
	// Drain is called before a process is ended by Stop or Restart, when its state says so
	// already: it returns once nothing is under way there, or ctx has ended. Nil: nothing is.
	Drain func(ctx context.Context)
	// Changed is called at each change, in order. It must not wait.
	Changed func(Status)
	Log     *slog.Logger // with what names the process
}

// DefaultStopGrace is compose's.
const DefaultStopGrace = 10 * time.Second

// Status is what is known of a process.
type Status struct {
	State    State
	PID      int       // 0 while none runs
	Started  time.Time // of the one that runs, or ran last
	Restarts int       // since it was started by Start
	ExitCode int       // of the last end; -1 by a signal
	Signal   string    // that ended it last; "" for none
	Next     time.Time // of the start that is due; zero for none
	Lines    string    // the last that it wrote before its last end
	Problem  string    // why it is not running
	Hint     string    // how to mend that; "" where nothing is known
}

// Process is a process under supervision. It is safe for concurrent use.
type Process struct {
	opts   Options
	wanted chan command
	done   chan struct{}
	cancel context.CancelFunc
	// patience ends where the process is to be killed, without the grace to end in order.
	patience context.Context //nolint:containedctx // of the process, not of a call
	kill     context.CancelFunc

	mu      sync.Mutex
	status  Status
	changed chan struct{} // closed at the next change
}

// command is something that is asked of the loop.
type command struct {
	kind commandKind
	done chan error // has one when it is carried out
}

// answer reports that the command is carried out, once.
func (c command) answer(err error) {
	select {
	case c.done <- err:
	default: // it was answered
	}
}

type commandKind int

const (
	doStart commandKind = iota
	doStop
	doRestart
)

// New returns a process that is not started yet. It ends, for good, by Close.
func New(o Options) *Process {
	if o.StopSignal == 0 {
		o.StopSignal = syscall.SIGTERM
	}
	if o.StopGrace == 0 {
		o.StopGrace = DefaultStopGrace
	}
	ctx, cancel := context.WithCancel(context.Background())
	patience, kill := context.WithCancel(context.Background())
	p := &Process{
		opts: o, wanted: make(chan command), done: make(chan struct{}), cancel: cancel, status: Status{State: Stopped},
		changed: make(chan struct{}), patience: patience, kill: kill,
	}
	go func() { defer close(p.done); defer kill(); p.loop(ctx) }()
	return p
}

// Start starts the process, if it does not run. It does not wait until it is ready. Its error,
// and that of Restart, is why the command cannot be started.
func (p *Process) Start(ctx context.Context) error { return p.ask(ctx, doStart) }

// Stop ends the process, and returns once it has ended.
func (p *Process) Stop(ctx context.Context) error { return p.ask(ctx, doStop) }

// Restart ends the process if it runs, and starts it. It returns once the new one runs;
// it may not be ready.
func (p *Process) Restart(ctx context.Context) error { return p.ask(ctx, doRestart) }

// Close ends the process and its supervision, and returns once it has ended: it is killed
// where ctx ends before. It can be called again.
func (p *Process) Close(ctx context.Context) {
	p.cancel()
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	<-p.done
}

// errClosed is the error of what is asked after Close.
var errClosed = errors.New("the process is closed")

func (p *Process) ask(ctx context.Context, kind commandKind) error {
	c := command{kind, make(chan error, 1)}
	select {
	case p.wanted <- c:
	case <-p.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-p.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status is what is known now; changed is closed when there is something else.
func (p *Process) Status() (now Status, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.changed
}

func (p *Process) set(change func(*Status)) {
	p.mu.Lock()
	change(&p.status)
	now := p.status
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	if p.opts.Changed != nil {
		p.opts.Changed(now)
	}
}

// loop carries out what is asked, until ctx ends.
func (p *Process) loop(ctx context.Context) {
	defer p.set(func(s *Status) {
		if s.State != Completed && s.State != Failed {
			s.State, s.PID, s.Problem = Stopped, 0, ""
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.wanted:
			if c.kind == doStop {
				p.set(func(s *Status) { s.State, s.Problem = Stopped, "" })
				c.answer(nil)
				continue
			}
			p.set(func(s *Status) { s.State, s.Restarts = Starting, 0 })
			p.keep(ctx, c)
		}
	}
}

// keep runs the process, again and again as the policy says, until it is to be stopped or
// the policy has it left alone. It answers c once the first has been started.
func (p *Process) keep(ctx context.Context, c command) {
	pace := newBackoff()
	for attempt := 1; ; attempt++ {
		began := time.Now()
		end, next := p.once(ctx, c)
		c = command{done: make(chan error, 1)} // answered
		switch {
		case ctx.Err() != nil:
			return
		case next != nil && next.kind == doStop:
			p.set(func(s *Status) { s.State, s.PID, s.Problem = Stopped, 0, "" })
			next.answer(nil)
			return
		case next != nil:
			c, attempt = *next, 0
			pace.Reset()
			continue
		case end.launch || !p.opts.Restart.again(end, attempt):
			p.ended(end)
			return
		}
		if time.Since(began) > steadyTime {
			attempt = 0
			pace.Reset()
		}
		next, ok := p.pause(ctx, end, attempt, pace.NextBackOff())
		if !ok {
			return
		}
		if next != nil {
			c = *next
		}
	}
}

// ended notes an end after which nothing is started.
func (p *Process) ended(end exit) {
	p.set(func(s *Status) {
		end.note(s)
		if s.State = Failed; end.err == nil {
			s.State, s.Problem, s.Hint = Completed, "", ""
		}
	})
	switch {
	case end.launch:
		p.opts.Log.Error("the process cannot be started", "error", end.String(), "hint", end.hint())
	case end.err != nil:
		p.opts.Log.Error("process ended", "error", end.String(), "hint", end.hint(), "last_lines", end.lines)
	}
}

// pause waits before a restart. ok is false when the process is to stay stopped; next is a
// start that is asked for in the meantime.
func (p *Process) pause(ctx context.Context, end exit, attempt int, wait time.Duration) (next *command, ok bool) {
	p.set(func(s *Status) {
		end.note(s)
		s.State, s.Next = Restarting, time.Now().Add(wait)
	})
	defer p.set(func(s *Status) { s.Next = time.Time{} })
	if loud(attempt) {
		p.opts.Log.Warn("process ended, and is started again", "error", end.String(), "hint", end.hint(), "times", attempt,
			"after", wait.Round(time.Millisecond), "last_lines", end.lines)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		p.set(func(s *Status) { s.Restarts++ })
		return nil, true
	case <-ctx.Done():
		return nil, false
	case c := <-p.wanted:
		if c.kind == doStop {
			p.set(func(s *Status) { s.State, s.Problem = Stopped, "" })
			c.answer(nil)
			return nil, false
		}
		return &c, true
	}
}

// loud says whether the n-th end in a row is logged: one that goes on for hours is not
// reported thousands of times.
func loud(n int) bool { return n <= 3 || n&(n-1) == 0 }
