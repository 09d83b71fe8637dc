package infrastructure

import (
	"io"
	"log/slog"
	"os/exec"
)

// RunJob starts a command as a project's is.
func RunJob(out io.Writer, args ...string) error {
	r := newReaper("", slog.New(slog.DiscardHandler))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout = out
	isolate(cmd)
	return r.launch(cmd, newStarter())
}
