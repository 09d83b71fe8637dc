// Package container runs services of a compose file in containers, by the command line of
// a container engine: that has the user's contexts, credentials and builders.
package container

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"time"
)

// Host is this machine, as containers call it.
const Host = "host.docker.internal"

const (
	// callTimeout bounds a call of the engine that neither builds nor pulls.
	callTimeout = 30 * time.Second
	// label marks containers and networks of a stack; its value is the data directory.
	label = "axion.data"
)

// Engine is a container engine on this machine. It is safe for concurrent use.
type Engine struct {
	program string
	dataDir string
}

// hintError is an error that says how to mend what it is about.
type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }

// Find finds the engine that runs containers for the stack of a data directory, and ends
// those that an earlier run of it has left behind.
func Find(ctx context.Context, dataDir string) (*Engine, error) {
	program, err := exec.LookPath("docker")
	if err != nil {
		return nil, hintError{errors.New("there is no docker in PATH"), "install its command line, or leave --docker out"}
	}
	e := &Engine{program, dataDir}
	if _, err := e.call(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return nil, hintError{fmt.Errorf("the container engine does not answer: %w", err), "start it, or leave --docker out"}
	}
	left, err := e.call(ctx, "ps", "--all", "--quiet", "--filter", "label="+label+"="+dataDir)
	if err != nil {
		return nil, err
	}
	if ids := strings.Fields(left); len(ids) > 0 {
		_, err = e.call(ctx, append([]string{"rm", "--force"}, ids...)...)
	}
	return e, err
}

// call runs one command of the engine's, and returns what it writes.
func (e *Engine) call(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var out bytes.Buffer
	err := e.stream(ctx, &out, args...)
	return strings.TrimSpace(out.String()), err
}

// stream runs one command of the engine's, whose output goes to out. The error has the last
// line of what it wrote to stderr.
func (e *Engine) stream(ctx context.Context, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, e.program, args...)
	cmd.WaitDelay = time.Second
	var problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, io.MultiWriter(&problem, out)
	if args[0] != "build" && args[0] != "pull" {
		cmd.Stderr = &problem
	}
	err := cmd.Run()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(problem.String()), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Errorf("docker %s: %s", args[0], strings.TrimPrefix(last, "docker: "))
	}
	return fmt.Errorf("docker %s: %w", args[0], err)
}

// Network is a network of containers.
type Network struct {
	Name string
	// Gateway is this machine in the network. It is invalid where that is not to be
	// listened at, as where the engine runs in a machine of its own.
	Gateway netip.Addr
}

// Network returns the project's network, which is made where there is none.
func (e *Engine) Network(ctx context.Context, project string) (Network, error) {
	n := Network{Name: project + "_axion"}
	const format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
	gateways, err := e.call(ctx, "network", "inspect", "--format", format, n.Name)
	if err != nil {
		if _, err := e.call(ctx, "network", "create", "--label", label+"="+e.dataDir, n.Name); err != nil {
			return n, err
		}
		if gateways, err = e.call(ctx, "network", "inspect", "--format", format, n.Name); err != nil {
			return n, err
		}
	}
	for _, text := range strings.Fields(gateways) {
		ip, err := netip.ParseAddr(text)
		if err != nil || !ip.Is4() {
			continue
		}
		if l, err := net.Listen("tcp", netip.AddrPortFrom(ip, 0).String()); err == nil {
			_ = l.Close()
			n.Gateway = ip
		}
	}
	return n, nil
}

// Remove ends a container of this stack's; one that is not there is none to end.
func (e *Engine) Remove(ctx context.Context, name string) error {
	owner, err := e.call(ctx, "inspect", "--type", "container", "--format", `{{index .Config.Labels "`+label+`"}}`, name)
	if err != nil || owner != e.dataDir {
		return nil // it is not there, or not ours: the start says so
	}
	_, err = e.call(ctx, "rm", "--force", name)
	return err
}

// Check runs a compose file's health check in a container. The error has the last line of
// what it wrote.
func (e *Engine) Check(ctx context.Context, name string, test []string) error {
	argv := test[1:]
	if test[0] == "CMD-SHELL" {
		argv = []string{"/bin/sh", "-c", test[1]}
	}
	cmd := exec.CommandContext(ctx, e.program, append([]string{"exec", name}, argv...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// healthPause is between looks at a container.
const healthPause = 250 * time.Millisecond

// Health reports how the health check of a container's image goes: nil where it passes, or
// there is none. While that is not known yet, as before the container has started, it waits for it,
// and no longer than ctx.
func (e *Engine) Health(ctx context.Context, name string) error {
	for {
		known, err := e.health(ctx, name)
		if known {
			return err
		}
		select {
		case <-time.After(healthPause):
		case <-ctx.Done():
			return cmp.Or(err, ctx.Err())
		}
	}
}

func (e *Engine) health(ctx context.Context, name string) (known bool, err error) {
	state, err := e.call(ctx, "inspect", "--type", "container", "--format",
		"{{.State.Status}} {{with .State.Health}}{{.Status}} {{range .Log}}{{.Output}}{{end}}{{end}}", name)
	if err != nil {
		return false, err
	}
	status, rest, _ := strings.Cut(state, " ")
	health, output, _ := strings.Cut(rest, " ")
	lines := strings.Split(strings.TrimSpace(output), "\n")
	switch {
	case status != "running" || health == "starting":
		return false, nil
	case health == "" || health == "healthy":
		return true, nil
	}
	return true, fmt.Errorf("its health check fails: %s", lines[len(lines)-1])
}
