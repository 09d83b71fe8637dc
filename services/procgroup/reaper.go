// Package procgroup starts commands that end with this process, however it ends, together
// with all that they have started.
package procgroup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// markVariable is the environment variable that all commands have, and what they start,
// whatever its group or session. Its value is that of one run of this process: no other
// process has it, while another may have the id of one that has ended.
const markVariable = "AXION_PROCESSES"

// Reaper starts commands and ends them. On Unix a child of this process waits for its end,
// however it ends: it ends the process groups of commands, and on Linux what has left them
// too; where the child was killed as well, SweepLast does that. On Windows each command has
// a job object. A Reaper is safe for concurrent use.
type Reaper struct {
	file    string // has the mark while there may be processes with it
	log     *slog.Logger
	starter *starter

	groups //nolint:unused // of Windows alone

	mu    sync.Mutex
	mark  string // empty until the first command
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// New returns the reaper of a data directory, which has one at a time. Use Close to end it.
func New(dir string, log *slog.Logger) *Reaper {
	return &Reaper{file: filepath.Join(dir, "processes"), log: log, starter: newStarter()}
}

// SweepLast ends what the last run on the directory has left behind: on Linux, where it and
// its child were killed.
func (r *Reaper) SweepLast() error {
	mark, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end processes of the last run: %w", err)
	}
	if n := sweep(strings.TrimSpace(string(mark))); n > 0 {
		r.log.Warn("ended what projects of the last run had left behind", "processes", n)
	}
	return nil
}

// entry returns the mark for a command's environment. The first call starts the child that
// waits for this process's end.
func (r *Reaper) entry() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark != "" {
		return markVariable + "=" + r.mark, nil
	}
	mark := rand.Text()
	if err := os.WriteFile(r.file, []byte(mark+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store mark of processes: %w", err)
	}
	r.mark = mark
	if err := r.startChild(); err != nil {
		r.log.Warn("what projects start outlives a kill until the next start", "error", err)
	}
	return markVariable + "=" + r.mark, nil
}

// startChild starts the child that waits for this process's end, on Unix.
func (r *Reaper) startChild() error {
	cmd := childCommand(r.mark)
	if cmd == nil {
		return nil
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, stdin.Close())
	}
	r.cmd, r.stdin = cmd, stdin
	return nil
}

// Start starts a command, in a process group or a job of its own.
func (r *Reaper) Start(cmd *exec.Cmd) error {
	mark, err := r.entry()
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Environ(), mark)
	setProcessGroup(cmd)
	if err := r.starter.start(cmd); err != nil {
		return err
	}
	if err := r.add(cmd); err != nil {
		_ = cmd.Process.Kill()
		return errors.Join(err, cmd.Wait())
	}
	return nil
}

// Close ends all commands. Call it once, when no more are started.
func (r *Reaper) Close() {
	r.starter.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark == "" {
		return
	}
	if r.cmd != nil {
		_ = r.stdin.Close() // as the end of this process does
		_ = r.cmd.Wait()
	}
	sweep(r.mark) // where there was no child, or it was killed
	_ = os.Remove(r.file)
	r.mark, r.cmd, r.stdin = "", nil, nil
}

// sweepTimeout bounds a sweep: processes may start others as fast as they end.
const sweepTimeout = 2 * time.Second
