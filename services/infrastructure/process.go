package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"axion/services/bus"
	"axion/services/contract"
)

const (
	// buildTime bounds the building of a project.
	buildTime = 4 * time.Minute
	// healthyTime is how long a process may take until it is healthy.
	healthyTime = 45 * time.Second
	// steadyTime is after how long a process that ends is started again at once.
	steadyTime = time.Minute
	// firstEnds is how often a new process may end before it is healthy.
	firstEnds = 3
)

// allow refuses a process where none may run: who can send messages to this service
// could run any command on this machine, and who can write into a folder above the
// project's has the project's process load it.
func (r *runtimes) allow(run contract.Run) error {
	if run.Runtime != contract.RuntimeProcess {
		return nil
	}
	if r.opts.ProcessesDisabled != "" {
		return fmt.Errorf("run: the runtime %q is off: %s", run.Runtime, r.opts.ProcessesDisabled)
	}
	if err := r.exposed(); err != nil {
		return fmt.Errorf("run: the runtime %q is off: %w; hint: %s", run.Runtime, err, hint(err))
	}
	return nil
}

// exposed says who else may write into the folder of all projects, or above it.
func (r *runtimes) exposed() error {
	if r.opts.Private == nil {
		return nil
	}
	return r.opts.Private(r.sites())
}

// hint is what an error says of how to do away with it.
func hint(err error) string {
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		return known.Hint()
	}
	return "see who may write into the data directory, and into those above it"
}

// build runs a project's build commands, one after the other.
func (r *runtimes) build(ctx context.Context, rt runtime) error {
	log := r.openLog(rt.projectID)
	limited, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	for _, command := range rt.run.Build {
		text := strings.Join(command, " ")
		log.note("build: " + text)
		cmd, err := r.launch(rt, command, 0, log)
		if err == nil {
			err = r.waitFor(limited, cmd)
		}
		if limited.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("is not done after %s", buildTime)
		}
		if err != nil {
			return bus.Permanent(fmt.Errorf("build: %s: %w; its last lines: %s", text, err, log.tail()))
		}
	}
	return nil
}

// waitFor waits for a command's end; when ctx ends first, it ends the command.
func (r *runtimes) waitFor(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		r.reaper.kill(cmd) // what it left behind
		return err
	case <-ctx.Done():
		_ = r.reaper.terminate(cmd, ended) // it did not end by itself
		return ctx.Err()
	}
}

// launch starts one of a project's commands.
func (r *runtimes) launch(rt runtime, args []string, port int, out io.Writer) (*exec.Cmd, error) {
	mark, err := r.reaper.entry()
	if err != nil {
		return nil, err
	}
	if err := r.exposed(); err != nil { // a mode may have been changed
		return nil, err
	}
	cmd := r.command(rt, args, port, out)
	cmd.Env = append(cmd.Env, mark)
	return cmd, r.reaper.launch(cmd, r.starter)
}

// command is one of a project's commands, in a process group of its own.
func (r *runtimes) command(rt runtime, args []string, port int, out io.Writer) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(r.folder(rt), filepath.FromSlash(rt.run.Directory))
	cmd.Env = append(environment(os.Environ()), "PWD="+cmd.Dir, "HOST=127.0.0.1", "KAFKA_BROKERS="+strings.Join(r.opts.Brokers, ","),
		"AXION_PROJECT="+rt.projectID)
	if r.opts.OTLP != "" {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+r.opts.OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
			"OTEL_SERVICE_NAME="+rt.slug)
	}
	if port != 0 {
		cmd.Env = append(cmd.Env, "PORT="+strconv.Itoa(port), "NODE_ENV=production")
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // for what it has started to close the pipe
	isolate(cmd)
	return cmd
}

// process is a project's process under supervision: it is started again when it
// ends or is not healthy any more.
type process struct {
	runtimes *runtimes
	rt       runtime
	number   int
	log      *logFile
	started  time.Time
	cancel   context.CancelFunc
	ended    chan struct{}
	healthy  chan struct{} // closed when it is for the first time
	hopeless chan struct{} // closed when it ended too often before that

	mu       sync.Mutex
	now      status
	attempts int
}

// spawn starts a process on rt's port, or on another where that is taken.
func (r *runtimes) spawn(rt runtime) (*process, error) {
	port, err := freePort(rt.port)
	if err != nil {
		return nil, fmt.Errorf("start process: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		runtimes: r, rt: rt, number: port, log: r.openLog(rt.projectID), started: time.Now(), cancel: cancel,
		ended: make(chan struct{}), healthy: make(chan struct{}), hopeless: make(chan struct{}),
		now: status{state: contract.StateStarting},
	}
	go p.supervise(ctx)
	return p, nil
}

func (p *process) port() int { return p.number }

func (p *process) status() status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.now
	s.started = p.started
	return s
}

func (p *process) set(change func(*status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.now)
}

func (p *process) close() {
	p.cancel()
	<-p.ended
}

// await waits until the process is healthy for the first time. Its error is fit
// for the project's owner.
func (p *process) await(ctx context.Context) error {
	timer := time.NewTimer(healthyTime)
	defer timer.Stop()
	why := fmt.Sprintf("is not healthy after %s", healthyTime)
	select {
	case <-p.healthy:
		return nil
	case <-p.hopeless:
		why = fmt.Sprintf("ended %d times before it was healthy", firstEnds)
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	if problem := p.status().problem; problem != "" {
		why += " (" + problem + ")"
	}
	return bus.Permanent(fmt.Errorf("the process %s; its last lines: %s", why, p.log.tail()))
}

// supervise keeps the process running until ctx ends.
func (p *process) supervise(ctx context.Context) {
	defer close(p.ended)
	pace := &backoff.ExponentialBackOff{InitialInterval: 250 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
		MaxInterval: 30 * time.Second}
	for {
		began := time.Now()
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		p.log.note("ended: " + err.Error())
		p.runtimes.log.Warn("process ended", "project", p.rt.projectID, "slug", p.rt.slug, "error", err)
		if time.Since(began) > steadyTime {
			pace.Reset()
		}
		p.fail(err)
		timer := time.NewTimer(pace.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		p.set(func(s *status) { s.restarts++ })
	}
}

// fail notes why the process has ended.
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
	if p.attempts++; p.attempts == firstEnds {
		close(p.hopeless)
	}
}

// once runs the process until it ends, is not healthy, or ctx ends. It says why.
func (p *process) once(ctx context.Context) error {
	p.log.note("start: " + strings.Join(p.rt.run.Command, " "))
	cmd, err := p.runtimes.launch(p.rt, p.rt.run.Command, p.number, p.log)
	if err != nil {
		return err
	}
	p.set(func(s *status) { s.state, s.pid = contract.StateStarting, cmd.Process.Pid })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	sick := make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); sick <- p.watch(watching) }()
	defer func() { stop(); <-watched }()
	select {
	case err := <-ended:
		p.runtimes.reaper.kill(cmd) // what it left behind
		if err == nil {
			err = errors.New("it ended by itself, with status 0")
		}
		return err
	case err := <-sick:
		_ = p.runtimes.reaper.terminate(cmd, ended) // it did not end by itself
		return err
	}
}
