package lifecycle

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// orphanTimeout bounds what a stack that keeps nothing takes to end once its parent has;
// then the process is ended as it is.
const orphanTimeout = 900 * time.Millisecond

// Parent is the process with whose end this one ends too, since nobody else is there
// to end it. Its zero value is the default of [Parent.Watch].
type Parent struct {
	pid   int // 0 follows none
	given bool
}

// Register adds the flag --parent to set, of a command that keeps nothing where
// ephemeral, one of its flags, says so; empty: it has none.
func (p *Parent) Register(set *pflag.FlagSet, ephemeral string) {
	usage := "end when the process `PID` does, 0 for never"
	if ephemeral != "" {
		usage += " (default with --" + ephemeral +
			": the process that started this one, with --json also once a pipe to standard input is closed)"
	}
	set.Var(p, "parent", usage)
}

// String implements [pflag.Value].
func (p *Parent) String() string {
	if !p.given {
		return ""
	}
	return strconv.Itoa(p.pid)
}

// Set implements [pflag.Value].
func (p *Parent) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no process id", text)
	}
	p.pid, p.given = int(n), true
	return nil
}

// Type implements [pflag.Value].
func (*Parent) Type() string { return "int" }

// Watch is a step of [Group.Run] that ends the parts when the parent ends, which is
// no error: the one of --parent, or else, where ephemeral says that nothing is kept,
// the process that started this one. That of `go run` is followed in any case, since it
// passes no signal on. Where piped is set too, standard input ends the parts as well,
// once all have closed it that hold the pipe; one that is closed at the start does not,
// and nothing is read from it.
func (p *Parent) Watch(parts *Group, ephemeral, piped bool, log *slog.Logger) func(context.Context) error {
	return func(context.Context) error {
		stdin := -1
		if ephemeral && piped && !(p.given && p.pid == 0) && isPipe(os.Stdin) {
			stdin = int(syscall.Stdin) //nolint:unconvert // a Handle on Windows
		}
		pids, err := p.watchParent(ephemeral)
		if err != nil {
			return err
		}
		watch, err := newWatch(pids, stdin)
		if err != nil {
			return err
		}
		parts.exitWithParent(watch, ephemeral, log)
		return nil
	}
}

// exitWithParent ends the parts once what is watched has ended.
func (p *Group) exitWithParent(w *watch, ephemeral bool, log *slog.Logger) {
	// Whoever read what this process says may be gone, too: then writing fails, and
	// does not end it before its parts have.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	hangups := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // as by nohup
		signal.Notify(hangups, syscall.SIGHUP)
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		if why := w.wait(done); why != "" {
			if ephemeral {
				time.AfterFunc(orphanTimeout, p.abort)
			}
			log.Info("stopping: " + why)
			p.End()
		}
	})
	running.Go(func() {
		select {
		case <-hangups: // its terminal was closed
			p.End()
		case <-done:
		}
	})
	p.OnStop(func(context.Context) error {
		close(done)
		w.wake()
		running.Wait()
		signal.Stop(pipes)
		signal.Stop(hangups)
		return nil
	})
}

// watchParent are the processes whose end counts.
func (p *Parent) watchParent(ephemeral bool) ([]int, error) {
	if p.given {
		switch {
		case p.pid == 0:
			return nil, nil
		case !alive(p.pid):
			return nil, &parentError{p.pid}
		}
		return []int{p.pid}, nil
	}
	pid := os.Getppid()
	if pid <= 1 { // it has ended, or is the system's first, or in another container
		return nil, nil
	}
	grandparent, byGo := goRun(pid)
	switch {
	case byGo && ephemeral && grandparent > 1: // go waits, whatever becomes of its own parent
		return []int{pid, grandparent}, nil
	case byGo || ephemeral:
		return []int{pid}, nil
	}
	return nil, nil
}

// parentError says that there is no process to follow.
type parentError struct{ pid int }

func (e *parentError) Error() string {
	return fmt.Sprintf("--parent %d: there is no such process", e.pid)
}

// Hint is the hint shown with the error.
func (*parentError) Hint() string {
	return "give the id of a process that runs, such as $$ of a shell, or 0 to follow none"
}

// isPipe says whether another process may hold the other end of f.
func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0
}

// Why what is watched has ended.
func processEnded(pid int) string {
	return fmt.Sprintf("process %d, which started this one, has ended", pid)
}

const stdinClosed = "standard input was closed"
