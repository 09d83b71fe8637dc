//go:build unix

package infrastructure

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// reaperName is the environment variable that makes this program a reaper: it reads
// which process groups begin (+ID) and have ended (-ID), a line each, waits for the end
// of that, and then ends those that are left, and what has the mark.
const reaperName = "AXION_REAPER"

func init() {
	mark := os.Getenv(reaperName)
	if mark == "" {
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // it ends with who started it, and after it
	for id := range readGroups(os.Stdin) {
		_ = syscall.Kill(-id, syscall.SIGKILL)
	}
	sweep(mark)
	os.Exit(0)
}

// readGroups are the process groups that have begun and not ended when the input does.
func readGroups(from io.Reader) map[int]bool {
	left := map[int]bool{}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		id, err := strconv.Atoi(lines.Text()) // takes the sign
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

// reaperCommand is this program as a reaper, out of its process group's reach; nil where
// its file is not known.
func reaperCommand(mark string) *exec.Cmd {
	path, err := executable()
	if err != nil {
		return nil
	}
	cmd := exec.Command(path)
	cmd.Args[0] = "axion-reaper"
	cmd.Env = []string{reaperName + "=" + mark}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
