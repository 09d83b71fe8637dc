package procgroup

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// executable returns this program's file, which may have been replaced.
func executable() (string, error) { return "/proc/self/exe", nil }

// sweep ends all processes that have the mark, and returns how many there were.
func sweep(mark string) (ended int) {
	if mark == "" {
		return 0
	}
	entry := []byte(markVariable + "=" + mark)
	// A process that is about to run another program has no environment to be read for a
	// moment: one pass that finds nothing is not enough.
	until := time.Now().Add(sweepTimeout)
	for empty := 0; empty < 3 && time.Now().Before(until); empty++ {
		if n := sweepOnce(entry); n > 0 {
			ended, empty = ended+n, -1
		}
		time.Sleep(5 * time.Millisecond) // until their end shows
	}
	return ended
}

// sweepOnce is one pass of sweep.
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
		p, err := os.FindProcess(pid) // a pidfd, which stays that of this process
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

// dieWithParent has Linux end a command when axion is killed, before the child does.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
