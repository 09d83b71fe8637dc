package lifecycle

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// hangup is the event of a socket whose other end is closed; that of a pipe comes
	// unasked.
	hangup = unix.POLLRDHUP
	// hangupWakes says that either event ends a poll at once.
	hangupWakes = true
)

// openProcess gives a descriptor that can be read once the process has ended; -1 where
// the system has none.
func openProcess(pid int) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1
	}
	return fd
}

// goRun says whether a process is `go run`, and its parent.
func goRun(pid int) (parent int, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	args, err := os.ReadFile(dir + "/cmdline")
	words := strings.Split(string(args), "\x00")
	if err != nil || words[0] != "go" && !strings.HasSuffix(words[0], "/go") || !slices.Contains(words[1:], "run") {
		return 0, false
	}
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0, true
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before may hold anything
	if len(fields) > 1 {
		parent, _ = strconv.Atoi(string(fields[1]))
	}
	return parent, true
}
