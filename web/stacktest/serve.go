package stacktest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// Instance is one service in a process of its own.
type Instance struct {
	Process
	// URL is its own address, "http://127.0.0.1:port".
	URL string
}

// Serve starts one service of binary on a free port, and waits until it is ready.
// The test's end interrupts it; the test fails where it does not end cleanly.
func Serve(t testing.TB, binary, service string, args ...string) *Instance {
	t.Helper()
	return ServeAll(t, nil, binary, []string{service}, args...)[0]
}

// ServeAll is [Serve] for several services, which start side by side. A service may be
// named more than once. env is added to the processes' environment, "NAME=value" each.
func ServeAll(t testing.TB, env []string, binary string, services []string, args ...string) []*Instance {
	t.Helper()
	var all []*Instance
	var outs []io.Reader
	for _, service := range services {
		i := &Instance{Process: Process{
			Cmd: exec.Command(binary, append([]string{"serve", service, "--listen", "127.0.0.1:0", "--json"}, args...)...), Stderr: &Log{},
		}}
		i.Cmd.Env = append(os.Environ(), env...)
		all, outs = append(all, i), append(outs, i.begin(t))
	}
	for n, i := range all {
		line := i.line(t, outs[n])
		var ready struct{ URL string }
		if err := json.Unmarshal(line, &ready); err != nil {
			t.Fatalf("%s said %q: %v", services[n], line, err)
		}
		i.URL = ready.URL
	}
	return all
}

// start starts the process, and gives its first line.
func (p *Process) start(t testing.TB) []byte {
	t.Helper()
	return p.line(t, p.begin(t))
}

// begin starts the process, in a directory of its own where it has none, and gives its
// output.
func (p *Process) begin(t testing.TB) io.Reader {
	t.Helper()
	p.Cmd.Stderr = p.Stderr
	p.Cmd.Dir = cmp.Or(p.Cmd.Dir, t.TempDir())
	out, err := p.Cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(t) })
	return out
}

// line waits for the first line of the process's output.
func (p *Process) line(t testing.TB, out io.Reader) []byte {
	t.Helper()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s is not ready: %v\n%s", p.Cmd, err, p.Stderr)
	}
	return line
}
