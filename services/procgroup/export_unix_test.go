//go:build unix

package procgroup

import (
	"io"
	"log/slog"
	"os/exec"
)

// RunMarked starts a command with the reaper of dir. It returns the id of the child that
// waits for this process's end.
func RunMarked(dir string, out io.Writer, args ...string) (reaperID int, err error) {
	r := New(dir, slog.New(slog.DiscardHandler))
	if err := r.SweepLast(); err != nil {
		return 0, err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout = out
	if err := r.Start(cmd); err != nil {
		return 0, err
	}
	return r.cmd.Process.Pid, nil
}

// ReadGroups reads the input of a reaper's child.
var ReadGroups = readGroups
