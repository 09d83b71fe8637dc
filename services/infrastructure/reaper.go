package infrastructure

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

// markName is the environment variable that all have in common which projects'
// commands start, and what those start, whatever group or session it makes its own.
// Its value is of one run of the service: no other process has it, as one may have the
// id of one that has ended.
const markName = "AXION_PROCESSES"

// reaper ends what projects have started. On Unix a process beside this one waits for
// its end, however it ends: it ends the process groups of commands, and on Linux what has
// left them too; where it was killed as well, the next start does that. On Windows each
// command has a job object. The zero value with its first two fields is ready. It is safe
// for concurrent use.
type reaper struct {
	file string // keeps the mark while there may be processes with it
	log  *slog.Logger

	groups //nolint:unused // of Windows alone

	mu    sync.Mutex
	mark  string // empty until the first command
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// sweepLast ends what was left by a run that could not.
func (r *reaper) sweepLast() error {
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

// entry is the mark for a command's environment. The first call starts what waits for
// this process's end.
func (r *reaper) entry() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark != "" {
		return markName + "=" + r.mark, nil
	}
	mark := rand.Text()
	if err := os.WriteFile(r.file, []byte(mark+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("note processes: %w", err)
	}
	r.mark = mark
	if err := r.start(); err != nil {
		r.log.Warn("what projects start outlives a kill until the next start", "error", err)
	}
	return markName + "=" + r.mark, nil
}

func (r *reaper) start() error {
	cmd := reaperCommand(r.mark)
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

// launch starts a command, in a group that ends with this process.
func (r *reaper) launch(cmd *exec.Cmd, by *starter) error {
	if err := by.start(cmd); err != nil {
		return err
	}
	if err := r.begin(cmd); err != nil {
		_ = cmd.Process.Kill()
		return errors.Join(err, cmd.Wait())
	}
	return nil
}

// end ends all that is left, once no more commands start.
func (r *reaper) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark == "" {
		return
	}
	if r.cmd != nil {
		_ = r.stdin.Close() // it takes that for this process's end
		_ = r.cmd.Wait()
	}
	sweep(r.mark) // where there was none, or it was killed
	_ = os.Remove(r.file)
	r.mark, r.cmd, r.stdin = "", nil, nil
}

// sweepTime bounds a sweep: processes may start others as fast as they are ended.
const sweepTime = 2 * time.Second

// newReaper is that of a service's directory.
func newReaper(dir string, log *slog.Logger) *reaper {
	return &reaper{file: filepath.Join(dir, "processes"), log: log}
}
