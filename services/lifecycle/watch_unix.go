//go:build unix

package lifecycle

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pollInterval is how often processes are looked at where their end cannot be waited
// for, in milliseconds.
const pollInterval = 200

// watch waits for the end of processes, and of those that hold a pipe.
type watch struct {
	pids    []int
	parent  int           // this process's own when the watch began
	fds     []unix.PollFd // the waking pipe, standard input or -1, and a pidfd for each process or -1
	close   []*os.File
	waking  *os.File
	timeout int // of one poll, in milliseconds; -1 for none
}

// newWatch takes processes that are alive, and standard input unless it is -1.
func newWatch(pids []int, stdin int) (*watch, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("follow the parent: %w", err)
	}
	w := &watch{pids: pids, parent: os.Getppid(), waking: write, close: []*os.File{read, write}, timeout: -1}
	w.fds = []unix.PollFd{{Fd: int32(read.Fd()), Events: unix.POLLIN}, {Fd: int32(stdin), Events: hangup}}
	for _, pid := range pids {
		fd := openProcess(pid)
		if w.fds = append(w.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}); fd < 0 {
			w.timeout = pollInterval
		} else {
			w.close = append(w.close, os.NewFile(uintptr(fd), "pidfd"))
		}
	}
	if stdin >= 0 {
		one := []unix.PollFd{w.fds[1]}
		if n, err := unix.Poll(one, 0); err != nil || n > 0 { // nobody is there to close it
			w.fds[1].Fd = -1
		} else if !hangupWakes {
			w.timeout = pollInterval
		}
	}
	return w, nil
}

// wait returns why it ended: "" where that is done.
func (w *watch) wait(done <-chan struct{}) string {
	defer func() {
		for _, f := range w.close {
			_ = f.Close()
		}
	}()
	for {
		_, err := unix.Poll(w.fds, w.timeout)
		select {
		case <-done:
			return ""
		default:
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			<-done // nothing can be known
			return ""
		}
		if w.fds[1].Fd >= 0 && w.fds[1].Revents != 0 {
			return stdinClosed
		}
		for i, pid := range w.pids {
			if fd := w.fds[i+2]; fd.Revents != 0 || fd.Fd < 0 && !alive(pid) || pid == w.parent && os.Getppid() != pid {
				return processEnded(pid)
			}
		}
	}
}

// wake has wait look at done.
func (w *watch) wake() { _, _ = w.waking.Write([]byte{0}) }

// alive says whether there is a process of that id.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
