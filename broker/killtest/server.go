package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"axion/broker"
	"axion/services/datadir"
)

// Variables that make the program a broker, in place of the check.
const (
	childDir  = "AXION_KILLTEST_DIR"
	childAddr = "AXION_KILLTEST_ADDR"
)

// server is a broker in a process of its own, on one address and one directory.
type server interface {
	// Launch begins a start. Done is closed when the process has ended.
	Launch() (done <-chan struct{}, err error)
	// Ready waits until the server takes requests.
	Ready(ctx context.Context) error
	// Kill ends the process by SIGKILL, and waits until it is gone.
	Kill()
	// Stop ends it in order.
	Stop(ctx context.Context) error
	Addr() string
}

// child runs a broker until it is killed, interrupted, or its parent is gone. It says
// when it is ready.
func child(dir, addr string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	fail := func(err error) int {
		log.Error("broker", "error", err)
		return 1
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	lock, err := datadir.Acquire(dir)
	if err != nil {
		return fail(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fail(err)
	}
	b, err := broker.Start(context.Background(), broker.Options{Listener: l, Advertise: addr, Dir: filepath.Join(dir, "broker"), Log: log})
	if err != nil {
		return fail(err)
	}
	fmt.Println("ready")
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		cancel()
	}()
	<-stop.Done()
	if err := errors.Join(b.Close(), lock.Release()); err != nil {
		return fail(err)
	}
	return 0
}

// embedded is the embedded broker, run by this same program.
type embedded struct {
	exe, dir, addr string
	log            *os.File

	cmd   *exec.Cmd
	stdin io.Closer
	ready chan struct{}
	done  chan struct{}
	err   error // of the process, once done is closed
}

func newEmbedded(dir, log string) (*embedded, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return nil, err
	}
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	return &embedded{exe: exe, dir: dir, addr: addr, log: f}, nil
}

// freeAddress is one below the ports that a system gives to whoever asks for any: a
// server that comes back must find its own still free.
func freeAddress() (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(8000))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

func (e *embedded) Addr() string { return e.addr }

func (e *embedded) Launch() (<-chan struct{}, error) {
	fmt.Fprintf(e.log, "--- start at %s\n", time.Now().Format(time.StampMilli))
	e.cmd = exec.Command(e.exe)
	e.cmd.Env = append(os.Environ(), childDir+"="+e.dir, childAddr+"="+e.addr)
	e.cmd.Stderr = e.log
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if e.stdin, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	ready, done := make(chan struct{}), make(chan struct{})
	e.ready, e.done = ready, done
	cmd := e.cmd
	go func() {
		defer close(done)
		line, _ := bufio.NewReader(out).ReadString('\n')
		if strings.TrimSpace(line) == "ready" {
			close(ready)
		}
		_, _ = io.Copy(io.Discard, out)
		e.err = cmd.Wait()
	}()
	return done, nil
}

func (e *embedded) Ready(ctx context.Context) error {
	select {
	case <-e.ready:
		return nil
	case <-e.done:
		return fmt.Errorf("the broker ended while it started: see %s: %w", e.log.Name(), e.err)
	case <-ctx.Done():
		return fmt.Errorf("the broker does not start: see %s", e.log.Name())
	}
}

func (e *embedded) Kill() {
	_ = e.cmd.Process.Kill() // fails once it has ended
	<-e.done
	_ = e.stdin.Close()
}

func (e *embedded) Stop(ctx context.Context) error {
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stop broker: %w", err)
	}
	defer func() { _ = e.stdin.Close() }()
	select {
	case <-e.done:
		if e.err != nil {
			return fmt.Errorf("stop broker: %w", e.err)
		}
		return nil
	case <-ctx.Done():
		e.Kill()
		return fmt.Errorf("stop broker: %w", ctx.Err())
	}
}

// Close ends what runs.
func (e *embedded) Close() {
	if e.cmd != nil {
		e.Kill()
	}
	_ = e.log.Close()
}
