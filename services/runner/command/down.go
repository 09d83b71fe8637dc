package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"axion/services/datadir"
	"axion/web/summary"
	"axion/web/view"
)

// remindInterval is how often it is said what is waited for.
const remindInterval = 5 * time.Second

// volumes are the folders of a data directory with the data of servers that were provided.
var volumes = []string{"postgres", "redis"}

func downCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "down", Short: "Stop the running stack and its services, and wait until they have ended", Args: cobra.NoArgs,
		Long: "Stop the running stack and its services, each once those that depend on it are gone, and wait until they have ended.\n" +
			"What is kept stays, but with --volumes.",
	}
	timeout := cmd.Flags().Duration("timeout", 0, "kill the stack where it has not ended within `TIME` (default: wait for it)")
	remove := cmd.Flags().BoolP("volumes", "v", false, "remove the data of PostgreSQL and Redis that were provided for the compose file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out, dir := cmd.OutOrStdout(), s.Dir()
		running, err := s.running()
		if _, none := errors.AsType[*summary.NotRunningError](err); none {
			_, err = fmt.Fprintln(out, "no stack is running on", dir)
		} else if err == nil {
			dir = running.Data
			err = s.down(cmd.Context(), running, *timeout, out)
		}
		if err != nil || !*remove {
			return err
		}
		return removeVolumes(dir, out)
	}
	return cmd
}

// down ends a stack.
func (s Stack) down(ctx context.Context, running summary.Summary, timeout time.Duration, out io.Writer) error {
	c := newClient(running, s.Check)
	what := fmt.Sprintf("process %d", running.PID)
	if all, err := c.services(ctx); err == nil {
		all = slices.DeleteFunc(all, func(s view.Service) bool {
			return !slices.ContainsFunc(s.Instances, func(i view.ServiceInstance) bool { return i.PID != 0 })
		})
		what = strings.Join(append(serviceNames(all), what), ", ")
	}
	if err := c.post(ctx, "/api/shutdown", nil, nil); err != nil {
		if err := signalStack(running, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the stack: %w", err)
		}
	}
	fmt.Fprintln(out, "stopping: waits for", what)
	return awaitEnd(ctx, running, timeout, out)
}

// awaitEnd waits until a stack has ended, and kills it after the timeout; 0 for never.
func awaitEnd(ctx context.Context, running summary.Summary, timeout time.Duration, out io.Writer) error {
	began, reminded := time.Now(), time.Now()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		if held, err := holds(running); err != nil || !held {
			return err
		}
		select {
		case <-ctx.Done():
			return hintError{errors.New("the stack goes on stopping"), "axion down waits for it again"}
		case now := <-tick.C:
			if timeout > 0 && now.Sub(began) > timeout {
				fmt.Fprintf(out, "killed: it has not ended within %s\n", timeout)
				if err := signalStack(running, os.Kill); err != nil {
					return err
				}
				timeout = 0
			}
			if now.Sub(reminded) > remindInterval {
				reminded = now
				fmt.Fprintf(out, "still waits for process %d\n", running.PID)
			}
		}
	}
}

// holds says whether a stack still has its data directory.
func holds(running summary.Summary) (bool, error) {
	held, instance, _, err := datadir.Held(running.Data)
	return held && (instance == "" || instance == running.Instance), err
}

// signalStack sends a signal to the process of a stack, which has its data directory: a process
// of the same id may be another's else.
func signalStack(running summary.Summary, sig os.Signal) error {
	held, instance, pid, err := datadir.Held(running.Data)
	if err != nil || !held || instance != running.Instance || pid != running.PID {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	return nil
}

// removeVolumes removes the data of provided servers, while nobody has the directory.
func removeVolumes(dir string, out io.Writer) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := datadir.Acquire(dir)
	if err != nil {
		return err
	}
	for _, name := range volumes {
		all, readErr := os.ReadDir(filepath.Join(dir, name))
		for _, e := range all {
			path := filepath.Join(dir, name, e.Name())
			if err := os.RemoveAll(path); err != nil {
				return errors.Join(err, lock.Release())
			}
			fmt.Fprintln(out, "removed", path)
		}
		if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
			err = errors.Join(err, readErr)
		}
	}
	return errors.Join(err, lock.Release())
}
