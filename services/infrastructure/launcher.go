package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/procgroup"
)

const (
	// buildTimeout bounds the building of a project.
	buildTimeout = 4 * time.Minute
	// healthyTimeout bounds the time until a process is healthy.
	healthyTimeout = 45 * time.Second
	// stableAfter is the time after which a process that ends is started again at once.
	stableAfter = time.Minute
	// maxEarlyExits bounds how often a new process may end before it is healthy.
	maxEarlyExits = 3
)

// launcher starts the commands of projects.
type launcher struct {
	opts   Options
	sites  sites
	logs   *logs
	reaper *procgroup.Reaper
	log    *slog.Logger
}

// checkAllowed refuses a process where none may run: clients that can send messages to this
// service could run any command on this machine, and users who can write into a folder above
// the project's could have the project's process load their files.
func (l *launcher) checkAllowed(run contract.Run) error {
	if run.Runtime != contract.RuntimeProcess {
		return nil
	}
	if l.opts.ProcessesDisabled != "" {
		return fmt.Errorf("run: the runtime %q is off: %s", run.Runtime, l.opts.ProcessesDisabled)
	}
	if err := l.checkPrivate(); err != nil {
		return fmt.Errorf("run: the runtime %q is off: %w; hint: %s", run.Runtime, err, hint(err))
	}
	return nil
}

// checkPrivate fails where others may write into the folder of all projects, or above it.
func (l *launcher) checkPrivate() error {
	if l.opts.Private == nil {
		return nil
	}
	return l.opts.Private(string(l.sites))
}

// hint returns the hint of an error of checkPrivate.
func hint(err error) string {
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		return known.Hint()
	}
	return "see who may write into the data directory, and into those above it"
}

// build runs a project's build commands, one after the other.
func (l *launcher) build(ctx context.Context, rt runtime) error {
	log := l.logs.of(rt.projectID)
	limited, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	for _, command := range rt.run.Build {
		text := strings.Join(command, " ")
		log.note("build: " + text)
		cmd, err := l.start(rt, command, 0, log)
		if err == nil {
			err = l.waitFor(limited, cmd)
		}
		if limited.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("is not done after %s", buildTimeout)
		}
		if err != nil {
			return bus.Permanent(fmt.Errorf("build: %s: %w; its last lines: %s", text, err, log.tail()))
		}
	}
	return nil
}

// waitFor waits for a command's end; when ctx ends first, it ends the command.
func (l *launcher) waitFor(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		l.reaper.Kill(cmd) // what it left behind
		return err
	case <-ctx.Done():
		_ = l.reaper.Terminate(cmd, ended, syscall.SIGTERM, procgroup.DefaultGrace) // it did not end by itself
		return ctx.Err()
	}
}

// start starts one of a project's commands, in a process group of its own.
func (l *launcher) start(rt runtime, args []string, port int, out io.Writer) (*exec.Cmd, error) {
	if err := l.checkPrivate(); err != nil { // a mode may have been changed
		return nil, err
	}
	cmd := l.command(rt, args, port, out)
	return cmd, l.reaper.Start(cmd)
}

// command returns one of a project's commands, with its environment.
func (l *launcher) command(rt runtime, args []string, port int, out io.Writer) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(l.sites.folder(rt), filepath.FromSlash(rt.run.Directory))
	cmd.Env = append(environment(os.Environ()), "PWD="+cmd.Dir, "HOST=127.0.0.1", "KAFKA_BROKERS="+strings.Join(l.opts.Brokers, ","),
		"AXION_PROJECT="+rt.projectID)
	if l.opts.OTLP != "" {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+l.opts.OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
			"OTEL_SERVICE_NAME="+rt.slug)
	}
	if port != 0 {
		cmd.Env = append(cmd.Env, "PORT="+strconv.Itoa(port), "NODE_ENV=production")
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // for its children to close the pipe
	return cmd
}
