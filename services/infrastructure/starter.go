package infrastructure

import (
	"errors"
	"os/exec"
	threads "runtime"
)

// errEnded is the error of a command that comes after the end.
var errEnded = errors.New("the service has ended")

// starter starts commands on one thread that lasts as long as it does: Linux ends a
// command that is to die with its parent when the thread ends that made it, and Go
// ends threads. It is safe for concurrent use.
type starter struct {
	jobs  chan func()
	ended chan struct{}
}

func newStarter() *starter {
	s := &starter{jobs: make(chan func()), ended: make(chan struct{})}
	go func() {
		threads.LockOSThread()
		defer threads.UnlockOSThread() // the thread goes on
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
