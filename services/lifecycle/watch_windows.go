package lifecycle

import (
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// lookEvery is how often processes and the pipe are looked at.
const lookEvery = 200 * time.Millisecond

// watch waits for the end of processes, and of those that hold a pipe.
type watch struct {
	pids    []int
	handles []windows.Handle
	stdin   windows.Handle // 0 for none
}

var peekNamedPipe = windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")

// newWatch takes processes that are alive, and standard input unless it is -1.
func newWatch(pids []int, stdin int) (*watch, error) {
	w := &watch{}
	for _, pid := range pids {
		if h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid)); err == nil {
			w.pids, w.handles = append(w.pids, pid), append(w.handles, h)
		}
	}
	if stdin >= 0 && !broken(windows.Handle(stdin)) {
		w.stdin = windows.Handle(stdin)
	}
	return w, nil
}

// broken says whether nobody holds the other end of a pipe.
func broken(pipe windows.Handle) bool {
	ok, _, err := peekNamedPipe.Call(uintptr(pipe), 0, 0, 0, 0, 0)
	return ok == 0 && err == windows.ERROR_BROKEN_PIPE
}

// wait returns why it ended: "" where that is done.
func (w *watch) wait(done <-chan struct{}) string {
	defer func() {
		for _, h := range w.handles {
			_ = windows.CloseHandle(h)
		}
	}()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return ""
		case <-ticker.C:
		}
		if w.stdin != 0 && broken(w.stdin) {
			return stdinClosed
		}
		for i, h := range w.handles {
			if event, err := windows.WaitForSingleObject(h, 0); err == nil && event == windows.WAIT_OBJECT_0 {
				return processEnded(w.pids[i])
			}
		}
	}
}

// wake is not needed: wait looks at done by itself.
func (*watch) wake() {}

// alive says whether there is a process of that id.
func alive(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return err == windows.ERROR_ACCESS_DENIED
	}
	defer func() { _ = windows.CloseHandle(h) }()
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event != windows.WAIT_OBJECT_0
}

// goRun says whether a process is the go command; its parent is not asked for.
func goRun(pid int) (parent int, ok bool) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return 0, false
	}
	defer func() { _ = windows.CloseHandle(h) }()
	name := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(name))
	if err := windows.QueryFullProcessImageName(h, 0, &name[0], &size); err != nil {
		return 0, false
	}
	return 0, strings.EqualFold(filepath.Base(windows.UTF16ToString(name[:size])), "go.exe")
}
