package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axion/services/datadir"
	"axion/web/summary"
)

const (
	// logFile is where a stack in the background writes, in its data directory.
	logFile = "axion.log"
	// detachedVariable has the program know that it is the one in the background. It is not
	// passed on.
	detachedVariable = "AXION_DETACHED"
	// lookInterval is how often it is looked whether a stack has started, or ended.
	lookInterval = 50 * time.Millisecond
)

// Detachable adds --detach to a command that starts the stack: the program is then started
// once more, in the background, with the same arguments.
func Detachable(cmd *cobra.Command, s Stack) {
	inner, begun := cmd.RunE, os.Getenv(detachedVariable) != ""
	detached := cmd.Flags().BoolP("detach", "d", false, "start it in the background, and return once it is ready; axion down ends it")
	wait := cmd.Flags().Bool("wait", false, "with --detach: return once the services of the compose file are ready too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch ephemeral := cmd.Flag("ephemeral"); {
		case begun:
			if err := os.Unsetenv(detachedVariable); err != nil {
				return err
			}
			return inner(cmd, args)
		case !*detached && *wait:
			return errors.New("--wait: is for --detach: what runs in the foreground says by itself when it is ready")
		case !*detached:
			return inner(cmd, args)
		case ephemeral != nil && ephemeral.Changed:
			return hintError{errors.New("--detach: a stack that keeps nothing ends with who has started it"), "leave --ephemeral out"}
		}
		return s.detach(cmd, *wait)
	}
}

// detach starts the stack in the background, unless it runs, and prints where it is.
func (s Stack) detach(cmd *cobra.Command, wait bool) error {
	running, err := s.running()
	if _, none := errors.AsType[*summary.NotRunningError](err); none {
		running, err = s.startDetached(cmd.Context())
	} else if err == nil {
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "axion: the stack runs already, as process %d\n", running.PID)
	}
	if err != nil {
		return err
	}
	if wait {
		if err := awaitServices(cmd.Context(), newClient(running, s.Check), cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	if asJSON := cmd.Flag("json"); asJSON != nil && asJSON.Value.String() == "true" {
		return running.PrintJSON(out)
	}
	if err := running.Print(out, "axion", running.Version); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "It runs in the background, as process %d, and writes to %s. axion down ends it.\n",
		running.PID, filepath.Join(running.Data, logFile))
	return err
}

// startDetached starts this program once more, and waits until it is ready.
func (s Stack) startDetached(ctx context.Context) (running summary.Summary, err error) {
	self, err := os.Executable()
	if err != nil {
		return running, err
	}
	dir, err := (&datadir.Dir{Path: s.Dir()}).EnsureShared(nil)
	if err != nil {
		return running, err
	}
	path := filepath.Join(dir, logFile)
	_ = os.Rename(path, path+".1") // of the start before; where there was none, none is kept
	log, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return running, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(os.Environ(), detachedVariable+"=1")
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return running, fmt.Errorf("start a stack: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			return running, context.Cause(ctx)
		case err := <-ended:
			if err == nil {
				err = errors.New("it was stopped")
			}
			return running, failedStart(path, err)
		case <-tick.C:
		}
		if running, err = s.load(dir); err == nil && running.PID == cmd.Process.Pid {
			return running, nil
		}
	}
}

// failedStart is why a stack in the background has ended: what it has written last.
func failedStart(path string, ended error) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return errors.Join(ended, err)
	}
	failed := hintError{fmt.Errorf("the stack has not started: %w", ended), "see " + path}
	for line := range bytes.Lines(text) {
		line := strings.TrimSpace(string(line))
		if message, ok := strings.CutPrefix(line, "error: "); ok {
			failed.error = errors.New(message)
		} else if hint, ok := strings.CutPrefix(line, "hint: "); ok {
			failed.hint = hint
		}
	}
	return failed
}
