//go:build unix

package procgroup

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// childVariable is the environment variable that makes this program a reaper's child: it
// reads the process groups that have begun (+ID) and ended (-ID), a line each, until the
// end of its input, and then ends those that are left, and what has the mark.
const childVariable = "AXION_REAPER"

func init() {
	mark := os.Getenv(childVariable)
	if mark == "" {
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // it ends after its parent
	for id := range readGroups(os.Stdin) {
		_ = syscall.Kill(-id, syscall.SIGKILL)
	}
	sweep(mark)
	os.Exit(0)
}

// readGroups returns the process groups that have begun and not ended when the input does.
func readGroups(from io.Reader) map[int]bool {
	left := map[int]bool{}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		id, err := strconv.Atoi(lines.Text()) // reads the sign
		switch {
		case err != nil: // cut off by a kill
		case id > 1:
			left[id] = true
		default:
			delete(left, -id)
		}
	}
	_, _ = io.Copy(io.Discard, from) // a line was too long
	return left
}

// childCommand returns this program as a reaper's child, in a process group of its own; nil
// where its file is not known.
func childCommand(mark string) *exec.Cmd {
	path, err := executable()
	if err != nil {
		return nil
	}
	cmd := exec.Command(path)
	cmd.Args[0] = "axion-reaper"
	cmd.Env = []string{childVariable + "=" + mark}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
