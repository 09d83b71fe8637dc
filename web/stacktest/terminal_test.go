//go:build unix

package stacktest_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"axion/web/stacktest"
)

// console is the program on a terminal of its own.
type console struct {
	*exec.Cmd
	t      *testing.T
	screen *os.File
	output stacktest.Log
	ended  chan error // what Wait returned
}

// openConsole starts "axion up" on a compose file.
func openConsole(t *testing.T, compose string, args ...string) *console {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(compose), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, ended: make(chan error, 1)}
	c.Cmd = exec.Command(binary, append([]string{"up", "--ports", "auto", "--no-builtins"}, args...)...)
	c.Dir, c.Env = dir, append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	var err error
	if c.screen, err = pty.Start(c.Cmd); err != nil {
		t.Fatal(err)
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(&c.output, c.screen) // EIO at the program's end
	}()
	go func() { c.ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-shown
		_ = c.screen.Close()
		if t.Failed() {
			t.Logf("the terminal shows\n%q", c.output.String())
		}
	})
	return c
}

// show runs another command on a terminal, in the same directory, and returns what it shows.
func (c *console) show(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), binary, args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	screen, err := pty.Start(cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = screen.Close() }()
	text, _ := io.ReadAll(screen) // EIO at the command's end
	if err := cmd.Wait(); err != nil {
		c.t.Fatalf("axion %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// await waits for a pattern on the screen, and returns what its groups match.
func (c *console) await(pattern string) []string {
	c.t.Helper()
	var found []string
	stacktest.Eventually(c.t, pattern, func() bool {
		found = regexp.MustCompile(pattern).FindStringSubmatch(c.output.String())
		return found != nil
	})
	return found
}

func (c *console) press(key string) {
	c.t.Helper()
	if _, err := c.screen.WriteString(key); err != nil {
		c.t.Fatal(err)
	}
}

// wait waits for the program's end.
func (c *console) wait() error {
	c.t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(time.Minute):
		c.t.Fatal("the program does not end")
		return nil
	}
}

const (
	ctrlC    = "\x03"
	shouting = `
services:
  stubborn:
    x-axion:
      command: >-
        sh -c 'trap : TERM; echo pid $$$$; printf "\033[32mgreen\033[0m\033[2J\033]0;title\007\n"; while :; do sleep 1; done'
    stop_grace_period: 60s
  web:
    x-axion: {command: "sh -c 'echo hello; exec sleep 1000'"}
    depends_on: [stubborn]
`
)

// TestTerminal: on a terminal what services do and write has names and colours, the first Ctrl-C
// says what it waits for, and the second ends all.
func TestTerminal(t *testing.T) {
	t.Parallel()
	c := openConsole(t, shouting)
	c.await(`axion \S+ is ready in`)
	c.await("\x1b\\[\\d+mstubborn\x1b\\[0m\x1b\\[2m \\|\x1b\\[0m \x1b\\[32mgreen\x1b\\[0m")
	c.await("\x1b\\[\\d+mweb     \x1b\\[0m\x1b\\[2m \\|\x1b\\[0m hello")
	c.await("web     \x1b\\[0m\x1b\\[2m ›\x1b\\[0m \x1b\\[32mrunning")
	if shown := c.output.String(); strings.Contains(shown, "title") || strings.Contains(shown, "\x1b[2J") {
		t.Error("a service's control sequences reach the terminal")
	}
	pid, err := strconv.Atoi(c.await(`pid (\d+)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	c.press(ctrlC)
	c.await("\x1b\\[32mINFO \x1b\\[0m stopping: waits for stubborn \\(60 s\\)")
	c.await("hint: \x1b\\[0mCtrl-C again ends all at once")
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the service has ended: %v", err)
	}
	c.press(ctrlC)
	var ended *exec.ExitError
	if err := c.wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("after a second Ctrl-C: got %v, want that the signal ended it", err)
	}
	stacktest.Eventually(t, "the service's end", func() bool { return syscall.Kill(pid, 0) != nil })
}

// TestTerminalPlain: without colours there are none, and --quiet leaves services out. SIGTERM is
// as Ctrl-C.
func TestTerminalPlain(t *testing.T) {
	t.Parallel()
	c := openConsole(t, "services: {web: {x-axion: {command: sh -c 'echo hello; exec sleep 1000'}}}", "--no-color")
	c.await(`(?m)^web › running\r$`)
	c.await(`(?m)^web \| hello\r$`)
	if shown := c.show("logs", "web"); !strings.Contains(shown, "\x1b[") {
		t.Errorf("logs has no colours: %q", shown)
	}
	if shown := c.show("logs", "web", "--no-color"); !strings.Contains(shown, "web | hello") || strings.Contains(shown, "\x1b") {
		t.Errorf("logs --no-color: %q", shown)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	c.await(`INFO  stopping: waits for web \(10 s\)`)
	if strings.Contains(c.output.String(), "\x1b") {
		t.Error("there are control sequences")
	}

	c = openConsole(t, "services: {web: {x-axion: {command: missing-program}}}", "--quiet")
	c.await("\x1b\\[1m\x1b\\[31mERROR\x1b\\[0m .*web:")
	c.press(ctrlC)
	if err := c.wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if shown := c.output.String(); strings.Contains(shown, "›") {
		t.Errorf("--quiet shows states: %q", shown)
	}
}
