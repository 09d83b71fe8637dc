// Package clustertest gives tests the parts of a real cluster: Apache Kafka, one
// node, and PostgreSQL, as processes of their own that end with the test. Only
// tests import it.
package clustertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// startTimeout bounds the start of a part: a machine may be busy with ten others.
const startTimeout = 3 * time.Minute

// Missing skips the test for want of a tool, or fails it where
// AXION_REQUIRE_TOOLS says that it must not be skipped. install names the package.
func Missing(t testing.TB, tool, install string) {
	t.Helper()
	message := fmt.Sprintf("%s is not there: install %s", tool, install)
	if os.Getenv("AXION_REQUIRE_TOOLS") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// process is a server that runs until stop.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed at its end
	tail  *tail
}

// guard runs a command, and ends it by the signal $0 when its own standard input
// ends: a server must not outlive the test, however that ends.
const guard = `exec 3<&0; "$@" 3<&- & p=$!; (cat <&3; kill -$0 $p) >/dev/null 2>&1 & wait $p`

// launch starts a server and returns once a line of its output holds ready.
func launch(t testing.TB, signal, ready string, prepare func(*exec.Cmd), name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", guard, signal, name}, args...)...)
	if prepare != nil {
		prepare(cmd)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	p := &process{cmd: cmd, stdin: stdin, done: make(chan struct{}), tail: &tail{}}
	up := make(chan struct{})
	go p.read(out, ready, up)
	go func() {
		_ = cmd.Wait() // it is always killed
		_ = in.Close()
		close(p.done)
	}()
	t.Cleanup(p.stop)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	select {
	case <-up:
	case <-p.done:
		t.Fatalf("%s ended:\n%s", name, p.tail)
	case <-ctx.Done():
		t.Fatalf("%s is not ready after %s:\n%s", name, startTimeout, p.tail)
	}
	return p
}

func (p *process) read(out io.Reader, ready string, up chan<- struct{}) {
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		p.tail.add(scanner.Text())
		if up != nil && strings.Contains(scanner.Text(), ready) {
			close(up)
			up = nil
		}
	}
	_, _ = io.Copy(io.Discard, out) // a line was too long
}

func (p *process) stop() {
	_ = p.stdin.Close()
	<-p.done
}

// tail keeps the last lines of a server's output.
type tail struct {
	mu      sync.Mutex
	lines   []string
	watched []string
	last    string        // of those watched
	changed chan struct{} // closed when last changes
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > 50 {
		l.lines = l.lines[1:]
	}
	for _, text := range l.watched {
		if strings.Contains(line, text) && l.last != text {
			l.last = text
			close(l.changed)
			l.changed = make(chan struct{})
		}
	}
}

// watch names texts for wait.
func (l *tail) watch(texts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watched, l.changed = texts, make(chan struct{})
}

// wait waits until the last line with a text that is watched has this one, and is false
// where the context ends before.
func (l *tail) wait(ctx context.Context, text string) bool {
	for {
		l.mu.Lock()
		last, changed := l.last, l.changed
		l.mu.Unlock()
		if last == text {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// String gives them.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// folder is a new directory that other users may be given: t.TempDir's parents
// keep them out.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "axion-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
