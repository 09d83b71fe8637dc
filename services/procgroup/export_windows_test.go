package procgroup

import (
	"io"
	"log/slog"
	"os/exec"
)

// RunJob starts a command with a reaper.
func RunJob(out io.Writer, args ...string) error {
	r := New("", slog.New(slog.DiscardHandler))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout = out
	return r.Start(cmd)
}
