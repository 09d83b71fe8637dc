package procgroup

import (
	"errors"
	"os/exec"
	"runtime"
)

// errEnded is the error of a command that is started after Close.
var errEnded = errors.New("the reaper is closed")

// starter starts commands on one thread, which ends with it: Linux ends a command with
// Pdeathsig when the thread ends that has started it, and Go ends threads. It is safe for concurrent use.
type starter struct {
	jobs  chan func()
	ended chan struct{}
}

// newStarter returns a starter; use end to end it.
func newStarter() *starter {
	s := &starter{jobs: make(chan func()), ended: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // the thread goes on
		for {
			select {
			case job := <-s.jobs:
				job()
			case <-s.ended:
				return
			}
		}
	}()
	return s
}

// start starts a command.
func (s *starter) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	select {
	case s.jobs <- func() { done <- cmd.Start() }:
		return <-done
	case <-s.ended:
		return errEnded
	}
}

// end ends the starter, once.
func (s *starter) end() { close(s.ended) }
