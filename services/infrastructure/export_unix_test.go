//go:build unix

package infrastructure

import (
	"io"
	"log/slog"
	"os/exec"
)

// RunMarked starts a command as a project's is, in place of the service whose
// directory is dir. It gives the id of the process that waits for this one's end.
func RunMarked(dir string, out io.Writer, args ...string) (reaperID int, err error) {
	r := newReaper(dir, slog.New(slog.DiscardHandler))
	if err := r.sweepLast(); err != nil {
		return 0, err
	}
	mark, err := r.entry()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdout = append(cmd.Environ(), mark), out
	isolate(cmd)
	return r.cmd.Process.Pid, r.launch(cmd, newStarter())
}

// SweepLast is what a start does first.
func SweepLast(dir string) error { return newReaper(dir, slog.New(slog.DiscardHandler)).sweepLast() }

// ReadGroups is what a reaper reads.
var ReadGroups = readGroups
