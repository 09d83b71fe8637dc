package infrastructure

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// executable is this program, though its file was replaced.
func executable() (string, error) { return "/proc/self/exe", nil }

// sweep ends all processes that have the mark, and returns how many there were.
func sweep(mark string) (ended int) {
	if mark == "" {
		return 0
	}
	entry := []byte(markName + "=" + mark)
	// A process that is about to run another program has no environment to be read for a
	// moment: one look in vain is not enough.
	until := time.Now().Add(sweepTime)
	for vain := 0; vain < 3 && time.Now().Before(until); vain++ {
		if n := sweepOnce(entry); n > 0 {
			ended, vain = ended+n, -1
		}
		time.Sleep(5 * time.Millisecond) // until their end shows
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
