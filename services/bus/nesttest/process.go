package nesttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Deadline bounds every wait for a peer. A group takes 10 s to miss a member
// that was killed.
const Deadline = 40 * time.Second

// line is what a peer prints.
type line struct {
	Event string `json:"event"` // "ready", "got" or "done"
	Got
	ID     int               `json:"id"`
	Values []json.RawMessage `json:"values"`
	Error  json.RawMessage   `json:"error"`
}

// Got is a message that reached a NestJS handler, as Nest decoded it.
type Got struct {
	Topic   string                     `json:"topic"`
	Key     string                     `json:"key"`
	Data    json.RawMessage            `json:"data"`
	Headers map[string]json.RawMessage `json:"headers"`
}

// process is one Node process.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *log
	ready chan struct{}
	ended chan struct{}

	waiting sync.Once
}

// start starts the program and waits until it is ready; other lines go to
// handle. The test's end kills it.
func (a *App) start(t testing.TB, handle func(line), env []string, args ...string) *process {
	t.Helper()
	p := &process{
		cmd: exec.Command("node", append([]string{a.main}, args...)...),
		log: &log{}, ready: make(chan struct{}), ended: make(chan struct{}),
	}
	p.cmd.Stderr, p.cmd.Env = p.log, append(os.Environ(), env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stdout, handle)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("node %s:\n%s", strings.Join(args, " "), p.log)
		}
	})
	select {
	case <-p.ready:
	case <-p.ended:
		t.Fatalf("node %v ended:\n%s", args, p.log)
	case <-time.After(Deadline):
		t.Fatalf("node %v is not ready", args)
	}
	return p
}

// read ends with the process's output.
func (p *process) read(stdout io.Reader, handle func(line)) {
	defer close(p.ended)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var l line
		switch err := json.Unmarshal(lines.Bytes(), &l); {
		case err != nil:
			_, _ = p.log.Write(append(lines.Bytes(), '\n'))
		case l.Event == "ready":
			close(p.ready)
		default:
			handle(l)
		}
	}
}

// Kill ends the process as kill -9 does. Later calls do nothing.
func (p *process) Kill() {
	_ = p.cmd.Process.Kill()
	p.wait()
}

// Stop ends the process as its supervisor would: it leaves its group first.
func (p *process) Stop(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(Deadline):
		t.Errorf("node did not stop")
		_ = p.cmd.Process.Kill()
	}
	p.wait()
}

func (p *process) wait() {
	p.waiting.Do(func() {
		<-p.ended
		_ = p.cmd.Wait() // "signal: killed"
	})
}

// log keeps what Nest says.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
