//go:build linux

package dockertest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

const (
	// startTime bounds the start of an engine, and stopTime its end.
	startTime = 60 * time.Second
	stopTime  = 30 * time.Second
)

// Engine is a running Docker engine. It ends with its test.
type Engine struct {
	Host   string // its address
	Client *client.Client
	in     Namespace
	dir    string
	cmd    *exec.Cmd
	ended  chan struct{}
}

// Start starts an engine in the namespace that [Isolate] has made. Where there is none
// to be started, or no right to, the test is skipped; with AXION_REQUIRE_TOOLS=1 it fails.
func Start(t testing.TB) *Engine {
	t.Helper()
	if os.Getenv(isolatedEnv) == "" {
		missing(t, "no right to make network namespaces: run this test as root")
	}
	return StartIn(t, Namespace{})
}

// StartIn is [Start] in a namespace, where its bridges are.
func StartIn(t testing.TB, n Namespace) *Engine {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "a Docker engine needs root's rights")
	}
	for _, name := range []string{"dockerd", "containerd", "runc"} {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, "no "+name+" in PATH: install docker.io to run this test")
		}
	}
	dir, err := os.MkdirTemp("", "engine") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{Host: "unix://" + filepath.Join(dir, "docker.sock"), in: n, dir: dir}
	t.Cleanup(func() {
		_ = syscall.Unmount(filepath.Join(dir, "exec", "netns", "default"), syscall.MNT_DETACH) // dockerd leaves it
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the engine: %v", err)
		}
	})
	if e.Client, err = client.New(client.WithHost(e.Host)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Client.Close() })
	e.Resume(t)
	t.Cleanup(func() {
		e.clear(t)
		e.Pause(t)
	})
	return e
}

// missing skips a test for want of what its machine has not.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Resume starts the engine that [Engine.Pause] has stopped.
func (e *Engine) Resume(t testing.TB) {
	t.Helper()
	settings := filepath.Join(e.dir, "daemon.json")
	if err := os.WriteFile(settings, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.cmd = e.in.Command("dockerd", "--config-file", settings, "--host", e.Host, "--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "exec"), "--pidfile", filepath.Join(e.dir, "pid"), "--storage-driver", "vfs",
		"--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := e.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		missing(t, "dockerd does not start: "+err.Error())
	}
	ready := make(chan bool, 1)
	said := &bytes.Buffer{}
	e.ended = make(chan struct{})
	go func() {
		defer close(e.ended)
		read(log, said, ready)
		_ = e.cmd.Wait()
	}()
	select {
	case ok := <-ready:
		if !ok {
			<-e.ended
			missing(t, "dockerd does not start here: "+last(said.String()))
		}
	case <-time.After(startTime):
		_ = e.cmd.Process.Kill()
		t.Fatalf("dockerd is not ready after %s", startTime)
	}
}

// read says by the engine's log when it is ready, or that it has ended before.
func read(log io.Reader, said *bytes.Buffer, ready chan<- bool) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	up := false
	for lines.Scan() {
		switch {
		case up:
		case strings.Contains(lines.Text(), "API listen on"):
			up = true
			ready <- true
		default:
			said.WriteString(lines.Text() + "\n")
		}
	}
	if !up {
		ready <- false
	}
}

// last is the end of a text.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// Pause stops the engine, and with it all containers.
func (e *Engine) Pause(t testing.TB) {
	t.Helper()
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
	case <-time.After(stopTime):
		_ = e.cmd.Process.Kill()
		t.Errorf("dockerd goes on after %s", stopTime)
	}
}

// clear removes what would outlive the engine: containers and networks.
func (e *Engine) clear(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	list, err := e.Client.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		t.Errorf("clear the engine: %v", err)
		return
	}
	for _, c := range list.Items {
		if _, err := e.Client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Errorf("remove a container: %v", err)
		}
	}
	networks, err := e.Client.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("type", "custom")})
	if err != nil {
		t.Errorf("clear the engine: %v", err)
		return
	}
	for _, n := range networks.Items {
		if _, err := e.Client.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
			t.Errorf("remove a network: %v", err)
		}
	}
}
