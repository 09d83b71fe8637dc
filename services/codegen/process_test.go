package codegen_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"axion/broker"
	"axion/services/clustertest"
	"axion/services/contract"
)

const (
	// startTime bounds each wait for a process, of which two may share a core.
	startTime = time.Minute
	buildTime = 4 * time.Minute
)

func needNode(t *testing.T) {
	t.Helper()
	for tool, name := range map[string]string{"node": "nodejs", "npm": "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			clustertest.Missing(t, tool, "the package "+name+" (Node 20 or later)")
		}
	}
}

func embedded(t *testing.T) *broker.Broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Start(t.Context(), broker.Options{Listener: l, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close broker: %v", err)
		}
	})
	return b
}

func wantMembers(t *testing.T, b *broker.Broker, want map[string]int) {
	t.Helper()
	groups, err := b.Admin().Groups().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, g := range groups {
		got[g.Name] = g.Members
	}
	for name, members := range want {
		if n, there := got[name]; !there || n != members {
			t.Errorf("group %s: got %d members of %v, want %d", name, n, got, members)
		}
	}
}

// write puts generated files into a directory of their own.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// built is a program that can be started.
type built struct {
	dir     string
	command []string
}

// build runs the commands that codegen's reply names for a language.
func build(t *testing.T, dir, language string) built {
	t.Helper()
	reply, err := newGenerator(t).Generate(contract.GenerateCodeRequest{
		ProjectID: "p", Config: []byte(`{"runtime":"process"}`),
		Graph: &contract.Architecture{Nodes: []contract.Node{{ID: "x", Type: contract.NodeService, Language: language}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range reply.Run.Build {
		command(t, dir, args...)
	}
	return built{dir, reply.Run.Command}
}

// command runs one that has to succeed.
func command(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in %s: %v\n%s", strings.Join(args, " "), dir, err, out)
	}
}

// peer is a generated program that runs.
type peer struct {
	url   string
	cmd   *exec.Cmd
	lines chan string // closed at its end
}

var listening = regexp.MustCompile(`listening.*?(127\.0\.0\.1:\d+)`)

// start runs the program on a free port and waits until it listens.
func (b built) start(t *testing.T, env ...string) *peer {
	t.Helper()
	name := b.command[0]
	if strings.HasPrefix(name, "./") {
		name = filepath.Join(b.dir, name)
	}
	p := &peer{cmd: exec.Command(name, b.command[1:]...), lines: make(chan string, 1<<10)}
	p.cmd.Dir, p.cmd.Env = b.dir, append(os.Environ(), append(env, "PORT=0", "NO_COLOR=1")...)
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // it is ended by a signal
		_ = in.Close()
	}()
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		for range p.lines {
		}
	})
	p.url = "http://" + listening.FindStringSubmatch(p.await(t, "listening"))[1]
	return p
}

// await reads what the program says up to a line with text.
func (p *peer) await(t *testing.T, text string) string {
	t.Helper()
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	var said []string
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				t.Fatalf("the program ended before it said %q:\n%s", text, strings.Join(said, "\n"))
			}
			if strings.Contains(line, text) {
				return line
			}
			said = append(said, line)
		case <-timer.C:
			t.Fatalf("the program does not say %q:\n%s", text, strings.Join(said, "\n"))
		}
	}
}

// stop ends the program as its supervisor does, and waits for it.
func (p *peer) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	for {
		select {
		case _, more := <-p.lines:
			if !more {
				return
			}
		case <-timer.C:
			t.Fatal("the program does not end")
		}
	}
}

func (p *peer) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func (p *peer) post(t *testing.T, path, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	status, _ := do(t, req)
	return status
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: startTime, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
