//go:build unix

package process

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/procgroup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// supervised is a process that runs a shell script.
type supervised struct {
	*Process
	t     *testing.T
	dir   string
	file  string
	mu    sync.Mutex
	lines []string
	all   []State
}

func supervise(t *testing.T, script string, change func(*Options)) *supervised {
	t.Helper()
	s := &supervised{t: t, dir: t.TempDir()}
	s.file = filepath.Join(s.dir, "log")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	reaper := procgroup.New(t.TempDir(), log)
	t.Cleanup(reaper.Close)
	out := NewOutput(s.file, func(l Line) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lines = append(s.lines, l.Stream+" "+l.Text)
	})
	t.Cleanup(func() { _ = out.Close() })
	o := Options{
		Reaper: reaper, Output: out, Log: log, Restart: Restart{Always: true},
		Command: func(context.Context) (*exec.Cmd, error) {
			cmd := exec.Command("/bin/sh", "-c", script)
			cmd.Dir = s.dir
			return cmd, nil
		},
		Changed: func(now Status) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.all) == 0 || s.all[len(s.all)-1] != now.State {
				s.all = append(s.all, now.State)
			}
		},
	}
	if change != nil {
		change(&o)
	}
	s.Process = New(o)
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func (s *supervised) await(what string, is func(Status) bool) Status {
	s.t.Helper()
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	for {
		now, changed := s.Status()
		if is(now) {
			return now
		}
		select {
		case <-changed:
		case <-timer.C:
			s.t.Fatalf("no %s: %+v", what, now)
		}
	}
}

func (s *supervised) in(state State) Status {
	s.t.Helper()
	return s.await(string(state), func(now Status) bool { return now.State == state })
}

func (s *supervised) do(what func(context.Context) error) {
	s.t.Helper()
	if err := what(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// TestLife: start, start again, restart, stop, stop again, start, close.
func TestLife(t *testing.T) {
	t.Parallel()
	s := supervise(t, "echo up; exec sleep 1000", nil)
	s.do(s.Start)
	first := s.in(Running)
	s.do(s.Start)
	if now, _ := s.Status(); now.PID != first.PID {
		t.Error("a second start starts it anew")
	}
	s.do(s.Restart)
	second := s.in(Running)
	if second.PID == first.PID || alive(first.PID) {
		t.Errorf("restart: %d became %d", first.PID, second.PID)
	}
	s.do(s.Stop)
	s.do(s.Stop)
	if now, _ := s.Status(); now.State != Stopped || alive(second.PID) {
		t.Errorf("after stop it is %+v", now)
	}
	s.do(s.Start)
	third := s.in(Running)
	s.Process.cancel()
	<-s.done
	if alive(third.PID) {
		t.Error("it outlives Close")
	}
	if err := s.Start(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("a start after the end: %v", err)
	}
}

func TestRestartPolicies(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		script string
		state  State
		starts int
	}{
		"no":           {"exit 3", Failed, 1},
		"":             {"exit 0", Completed, 1},
		"on-failure":   {"test -e second || { touch second; exit 1; }", Completed, 2},
		"on-failure:2": {"exit 1", Failed, 3},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			policy, err := ParseRestart(text)
			if err != nil {
				t.Fatal(err)
			}
			s := supervise(t, "echo x >> starts; "+c.script, func(o *Options) { o.Restart = policy })
			s.do(s.Start)
			now := s.in(c.state)
			data, _ := os.ReadFile(filepath.Join(s.dir, "starts"))
			if got := strings.Count(string(data), "x"); got != c.starts || now.Restarts != c.starts-1 {
				t.Errorf("it was started %d times, and counts %d restarts, want %d starts", got, now.Restarts, c.starts)
			}
			if (now.Problem != "") != (c.state == Failed) {
				t.Errorf("the problem is %q", now.Problem)
			}
		})
	}
	for _, text := range []string{"sometimes", "on-failure:x", "on-failure:-1", "always:1"} {
		if _, err := ParseRestart(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestAlways: what is killed comes again, and says how it ended.
func TestAlways(t *testing.T) {
	t.Parallel()
	s := supervise(t, "exec sleep 1000", nil)
	s.do(s.Start)
	first := s.in(Running)
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := s.await("restart", func(now Status) bool { return now.Restarts == 1 && now.State == Running })
	if second.PID == first.PID || second.Signal != "killed" {
		t.Errorf("got %+v after %+v", second, first)
	}
}

// TestStopInPause: a process that waits for its restart can be stopped, and started at once.
func TestStopInPause(t *testing.T) {
	t.Parallel()
	s := supervise(t, "test -e go && exec sleep 1000; exit 7", nil)
	s.do(s.Start)
	if now := s.in(Restarting); now.ExitCode != 7 {
		t.Errorf("got %+v", now)
	}
	s.do(s.Stop)
	if now, _ := s.Status(); now.State != Stopped || now.Problem != "" {
		t.Errorf("got %+v", now)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.do(s.Start)
	s.in(Running)
}

// TestGroup: what it has started ends with it, though it ends itself first.
func TestGroup(t *testing.T) {
	t.Parallel()
	held, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := supervise(t, "sleep 1000 & echo child; wait", func(o *Options) {
		o.ReadyLine = "child"
		command := o.Command
		o.Command = func(ctx context.Context) (*exec.Cmd, error) {
			cmd, err := command(ctx)
			cmd.ExtraFiles = []*os.File{end}
			return cmd, err
		}
	})
	s.do(s.Start)
	s.in(Running)
	_ = end.Close()
	s.do(s.Stop)
	if _, err := held.Read(make([]byte, 1)); err != io.EOF { // none has it open any more
		t.Error(err)
	}
}

// TestStubborn: what ignores the signal is killed after its grace, and a signal of its own
// is sent.
func TestStubborn(t *testing.T) {
	t.Parallel()
	s := supervise(t, `trap 'echo got; exit 0' INT; trap '' TERM; echo up; while :; do sleep 0.05; done`, func(o *Options) {
		o.ReadyLine, o.StopSignal = "up", syscall.SIGINT
	})
	s.do(s.Start)
	s.in(Running)
	s.do(s.Stop)
	s.mu.Lock()
	if !slices.Contains(s.lines, "stdout got") {
		t.Errorf("it has not got its signal: %q", s.lines)
	}
	s.mu.Unlock()
	s = supervise(t, `trap '' TERM; echo up; while :; do sleep 0.05; done`, func(o *Options) {
		o.ReadyLine, o.StopGrace = "up", time.Millisecond
	})
	s.do(s.Start)
	s.in(Running)
	s.do(s.Stop)
}

// TestReady: it runs once its line and its port are there; a check that gives up ends it.
func TestReady(t *testing.T) {
	t.Parallel()
	ready := make(chan error)
	s := supervise(t, "echo nearly; echo is ready >&2; exec sleep 1000", func(o *Options) {
		o.ReadyLine, o.Restart = "is ready", Restart{}
		o.Ready = func(ctx context.Context, _ func(error)) error {
			select {
			case err := <-ready:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	s.do(s.Start)
	ready <- nil
	s.in(Running)
	s.do(s.Restart)
	ready <- errors.New("port 3000 is taken by nginx")
	if now := s.in(Failed); now.Problem != "port 3000 is taken by nginx" {
		t.Errorf("got %+v", now)
	}
}

// TestHealth: sick after retries, and well again.
func TestHealth(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sick := false
	s := supervise(t, "exec sleep 1000", func(o *Options) {
		o.Health = Health{Interval: time.Millisecond, Retries: 2, Check: func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			if sick {
				return errors.New("status 500")
			}
			return nil
		}}
	})
	set := func(to bool) {
		mu.Lock()
		defer mu.Unlock()
		sick = to
	}
	s.do(s.Start)
	s.in(Running)
	set(true)
	if now := s.in(Unhealthy); now.Problem != "status 500" {
		t.Errorf("got %+v", now)
	}
	set(false)
	s.in(Running)
}

// TestNoCommand: what is not there fails with its name and a remedy, and is not tried again.
func TestNoCommand(t *testing.T) {
	t.Parallel()
	s := supervise(t, "", func(o *Options) {
		o.Restart = Restart{OnFailure: true, Max: 1}
		o.Command = func(context.Context) (*exec.Cmd, error) { return exec.Command("no-such-program"), nil }
	})
	if err := s.Start(t.Context()); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("the start's error is %v", err)
	}
	if now := s.in(Failed); !strings.Contains(now.Problem, "no-such-program") || now.Restarts != 0 || now.Hint == "" {
		t.Errorf("got %+v", now)
	}
}

// TestOutput: both streams, a line without an end, a long one, what is no UTF-8, and the file.
func TestOutput(t *testing.T) {
	t.Parallel()
	s := supervise(t, `printf 'one\r\ntwo'; printf 'bad \377\n' >&2; head -c 20000 /dev/zero | tr '\0' x >&2`,
		func(o *Options) { o.Restart = Restart{} })
	s.do(s.Start)
	s.in(Completed)
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.lines)
	want := []string{"stderr bad \uFFFD", "stderr " + strings.Repeat("x", 20000-maxLine), "stderr " + strings.Repeat("x", maxLine),
		"stdout one", "stdout two"}
	slices.Sort(want)
	if !slices.Equal(s.lines, want) {
		t.Errorf("got %.200q", s.lines)
	}
	data, err := os.ReadFile(s.file)
	if err != nil || strings.Count(string(data), "\n") != len(want) {
		t.Errorf("the file has %d lines, %v", strings.Count(string(data), "\n"), err)
	}
	if info, err := os.Stat(s.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if tail := s.opts.Output.Tail(); len(tail) > tailLength+3 {
		t.Errorf("the tail has %d bytes", len(tail))
	}
}

// TestLoud: a loop that goes on is logged ever more seldom.
func TestLoud(t *testing.T) {
	t.Parallel()
	n := 0
	for i := 1; i <= 10_000; i++ {
		if loud(i) {
			n++
		}
	}
	if n > 20 {
		t.Errorf("10000 ends are logged %d times", n)
	}
}

// TestHealthStart: failures in the start period do not count, and a check that hangs is cut.
func TestHealthStart(t *testing.T) {
	t.Parallel()
	hang, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hang.Close() }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reports := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	checks := 0
	go func() {
		defer close(done)
		Health{
			StartPeriod: time.Hour, StartInterval: time.Millisecond, Interval: time.Millisecond, Retries: 1, Timeout: 10 * time.Millisecond,
			Check: func(ctx context.Context) error {
				if checks++; checks == 20 {
					return nil
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+hang.Addr().String(), nil)
				if err != nil {
					return err
				}
				answer, err := client.Do(req)
				if err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					err = answer.Body.Close()
				}
				return err
			},
		}.watch(ctx, func(err error) { reports <- err })
	}()
	if err := <-reports; err != nil {
		t.Errorf("reported %v in the start period", err)
	}
	if err := <-reports; err == nil {
		t.Error("no failure is reported after it was well")
	}
	cancel()
	<-done
}

// TestRotation: of what a process writes at most two files of 10 MB are kept.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := supervise(t, `head -c 24000000 /dev/zero | tr '\0' x`,
		func(o *Options) { o.Restart = Restart{} })
	s.do(s.Start)
	s.in(Completed)
	if err := s.opts.Output.Close(); err != nil {
		t.Fatal(err)
	}
	var sum int64
	var names []string
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if sum += info.Size(); info.Mode().Perm() != 0o600 {
			t.Errorf("the mode of %s is %v", e.Name(), info.Mode())
		}
		names = append(names, e.Name())
	}
	if len(names) != 2 || sum > 2*maxFileMB<<20 {
		t.Errorf("there are %q with %d bytes", names, sum)
	}
}

// TestKill: a process that takes its time to end is killed where Close's context ends.
func TestKill(t *testing.T) {
	t.Parallel()
	s := supervise(t, `trap "" TERM; echo up; while :; do sleep 1; done`, func(o *Options) { o.ReadyLine, o.StopGrace = "up", time.Hour })
	s.do(s.Start)
	now := s.in(Running)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Close(ctx)
	if after, _ := s.Status(); alive(now.PID) || after.State != Stopped || after.PID != 0 {
		t.Errorf("it is %+v", after)
	}
}

// TestCrash: a crash says how it ended, the line that says why, the last ones, and when
// the next start is due; what explains it comes first.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := supervise(t, `printf '\033[31mTypeError: x is undefined\033[0m\n' >&2; echo at main.js >&2; exit 7`, nil)
	s.do(s.Start)
	now := s.await("a pause", func(now Status) bool { return now.State == Restarting })
	if now.ExitCode != 7 || now.Problem != "it ended with status 7: TypeError: x is undefined" || now.Next.IsZero() ||
		!strings.HasSuffix(now.Lines, "at main.js") || now.Hint == "" {
		t.Errorf("got %+v", now)
	}
	explained := supervise(t, `echo EADDRINUSE; exit 1`, func(o *Options) {
		o.Restart = Restart{}
		o.Explain = func(lines string) error { return errors.New("somebody has " + lines) }
	})
	explained.do(explained.Start)
	if now := explained.in(Failed); now.Problem != "it ended with status 1: somebody has EADDRINUSE" || !now.Next.IsZero() {
		t.Errorf("got %+v", now)
	}
	killed := supervise(t, `kill -SEGV $$`, func(o *Options) { o.Restart = Restart{} })
	killed.do(killed.Start)
	if now := killed.in(Failed); now.Signal != "segmentation fault" || !strings.Contains(now.Problem, now.Signal) {
		t.Errorf("got %+v", now)
	}
}
