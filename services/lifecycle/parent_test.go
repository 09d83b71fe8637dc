//go:build unix

package lifecycle

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// sleeper starts a process that the test ends, or its end does.
func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// parent is a flag --parent of that value.
func parent(t *testing.T, text string) *Parent {
	t.Helper()
	p := &Parent{}
	if err := p.Set(text); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFollow(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for _, reaped := range []bool{true, false} { // one that nobody waits for has ended too
		cmd := sleeper(t)
		var parts Group
		ended := make(chan error, 1)
		ready := make(chan struct{})
		p := parent(t, strconv.Itoa(cmd.Process.Pid))
		go func() {
			ended <- parts.Run(context.Background(), p.Watch(&parts, false, false, log), func(context.Context) error {
				close(ready)
				return nil
			})
		}()
		<-ready
		_ = cmd.Process.Kill()
		if reaped {
			_ = cmd.Wait()
		}
		if err := <-ended; err != nil {
			t.Errorf("reaped %v: got %v, want no error: its parent's end is none", reaped, err)
		}
	}
	t.Run("Stop", func(t *testing.T) {
		cmd := sleeper(t)
		ctx, cancel := context.WithCancel(context.Background())
		var parts Group
		p := parent(t, strconv.Itoa(cmd.Process.Pid))
		err := parts.Run(ctx, p.Watch(&parts, true, true, log), func(context.Context) error { cancel(); return nil })
		if err != nil {
			t.Errorf("stopped while the parent lives: got %v", err)
		}
	})
	t.Run("ErrParent", func(t *testing.T) {
		cmd := sleeper(t)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		var parts Group
		err := parts.Run(context.Background(), parent(t, strconv.Itoa(cmd.Process.Pid)).Watch(&parts, true, true, log))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("--parent %d", cmd.Process.Pid)) {
			t.Errorf("a process that has ended: got %v, want an error that names the flag", err)
		}
	})
	for _, text := range []string{"", "-1", "x", "99999999999"} {
		if err := new(Parent).Set(text); err == nil {
			t.Errorf("--parent %q: got no error", text)
		}
	}
}

func TestFollowed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		parent    *Parent
		ephemeral bool
		want      []int
	}{
		{"Kept", &Parent{}, false, nil},
		{"Ephemeral", &Parent{}, true, []int{os.Getppid()}},
		{"EphemeralNone", parent(t, "0"), true, nil},
		{"Given", parent(t, strconv.Itoa(os.Getpid())), false, []int{os.Getpid()}},
	} {
		got, err := test.parent.watchParent(test.ephemeral)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, got, err, test.want)
		}
	}
}

// TestWatchPipe: what is written to the pipe stays for who reads it, and only the last
// of those that hold it ends the wait.
func TestWatchPipe(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	if _, err := write.WriteString("kept"); err != nil {
		t.Fatal(err)
	}
	holder := exec.Command("cat")
	holder.ExtraFiles = []*os.File{write}
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := newWatch(nil, int(read.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	why := make(chan string, 1)
	go func() { why <- w.wait(make(chan struct{})) }()
	_ = write.Close()
	select {
	case got := <-why:
		t.Errorf("one of two has closed it: ended with %q", got)
	default:
	}
	_ = in.Close()
	_ = holder.Wait()
	if got := <-why; got != stdinClosed {
		t.Errorf("got %q, want %q", got, stdinClosed)
	}
	left := make([]byte, 8)
	if n, _ := read.Read(left); !bytes.Equal(left[:n], []byte("kept")) {
		t.Errorf("left in the pipe: got %q, want what was written", left[:n])
	}
	again, err := newWatch(nil, int(read.Fd())) // closed from the start
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	close(done)
	again.wake()
	if got := again.wait(done); got != "" {
		t.Errorf("a pipe that was closed before: got %q, want that it does not count", got)
	}
}
