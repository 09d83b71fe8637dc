package infrastructure

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// reaperName is the environment variable that makes this program a reaper: it waits
// for the end of its input, and then ends what has the mark.
const reaperName = "AXION_REAPER"

func init() {
	mark := os.Getenv(reaperName)
	if mark == "" {
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // it ends with who started it, and after it
	_, _ = io.Copy(io.Discard, os.Stdin)
	sweep(mark)
	os.Exit(0)
}

// reaperCommand is this program as a reaper, out of its process group's reach.
func reaperCommand(mark string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = "axion-reaper"
	cmd.Env = []string{reaperName + "=" + mark}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// sweep ends all processes that have the mark, and returns how many there were.
func sweep(mark string) (ended int) {
	if mark == "" {
		return 0
	}
	entry := []byte(markName + "=" + mark)
	for until := time.Now().Add(sweepTime); time.Now().Before(until); {
		n := sweepOnce(entry)
		if n == 0 {
			return ended
		}
		ended += n
		time.Sleep(time.Millisecond) // until their end shows
	}
	return ended
}

func sweepOnce(entry []byte) (ended int) {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, dir := range processes {
		pid, err := strconv.Atoi(dir.Name())
		if err != nil || pid == os.Getpid() || !isMarked(pid, entry) {
			continue
		}
		p, err := os.FindProcess(pid) // holds on to this very process, by a pidfd
		if err != nil {
			continue
		}
		if isMarked(pid, entry) && p.Kill() == nil { // it is still the one that was seen
			ended++
		}
		_ = p.Release()
	}
	return ended
}

// isMarked reports whether a process has the mark in its environment. Those of other
// users cannot be read; one that has ended has none.
func isMarked(pid int, entry []byte) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for one := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(one, entry) {
			return true
		}
	}
	return false
}

// dieWithParent ends a command itself when axion is killed, before the reaper comes.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
