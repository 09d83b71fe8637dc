//go:build unix

package stacktest_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"axion/web/stacktest"
)

// TestRun: a command has the environment of a service, or a free port and what every
// service gets, and its exit code is axion's.
func TestRun(t *testing.T) {
	t.Parallel()
	p, dir, args := launchProject(t)
	for _, test := range []struct {
		command []string
		code    int
		want    string
	}{
		{[]string{"exec", "web", "--", "sh", "-c", `echo "$API_TOKEN $BROKER"; exit 7`}, 7, `it's "so" $x ` + p.Summary.Kafka + "\n"},
		{[]string{"exec", "web", "printenv", "BROKER"}, 0, p.Summary.Kafka + "\n"},
		{[]string{"run", "--service", "once", "--", "printenv", "GREETING"}, 0, "hello\n"},
		{[]string{"run", "printenv", "KAFKA_BROKERS"}, 0, p.Summary.Kafka + "\n"},
		{[]string{"run", "--", "sh", "-c", `test "$PORT" -gt 0 && echo $OTEL_SERVICE_NAME`}, 0, "sh\n"},
		{[]string{"run", "--", "sh", "-c", `kill -9 $$`}, 137, ""},
		{[]string{"run", "--", "none/such"}, 127, ""},
		{[]string{"run", "--", dir}, 126, ""},
		{[]string{"run", "--service", "wbe", "--", "true"}, 1, ""},
		{[]string{"exec", "web", "--"}, 1, ""},
		{[]string{"run"}, 1, ""},
		{[]string{"run", "--name", "Tea", "--", "true"}, 1, ""},
		{[]string{"run", "--name", "graph", "--", "true"}, 1, ""},
		{[]string{"run", "--name", strings.Repeat("a", 64), "--", "true"}, 1, ""},
	} {
		out, stderr, code := execute(t, dir, args(test.command...)...)
		if code != test.code || out != test.want || (code == 1 || code == 126 || code == 127) != strings.Contains(stderr, "error: ") {
			t.Errorf("axion %v: got %d, %q and %q, want %d and %q", test.command, code, out, stderr, test.code, test.want)
		}
	}
	if out, stderr, code := execute(t, t.TempDir(), args("exec", "web", "pwd")...); code != 0 || out != dir+"\n" {
		t.Errorf("exec runs in %q, want the service's directory %s: %d %s", out, dir, code, stderr)
	}
	cmd := exec.CommandContext(t.Context(), binary, args("run", "--", "cat")...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("through standard input")
	if out, err := cmd.Output(); err != nil || string(out) != "through standard input" {
		t.Errorf("standard input: got %q, %v", out, err)
	}
}

// serving is a program that answers at PORT and writes the address at which it does.
const serving = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"tea " + self.path.encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// TestRunName: requests for a host lead to a command for as long as it runs, however it ends,
// and nobody else has the host meanwhile.
func TestRunName(t *testing.T) {
	t.Parallel()
	p, dir, args := launchProject(t)
	save(t, filepath.Join(dir, "serve.py"), serving)
	site := p.URL("tea.localhost", "/pot")
	status := func() int { return p.Get(t, site).Status }
	for _, end := range []struct {
		name   string
		signal os.Signal
		tree   bool // of the command, too: nobody else ends it then
	}{{"Interrupt", os.Interrupt, false}, {"Terminate", syscall.SIGTERM, false}, {"Kill", os.Kill, true}} {
		var stderr stacktest.Log
		cmd := exec.Command(binary, args("run", "--name", "tea", "--", "python3", "serve.py")...)
		cmd.Dir, cmd.Stderr = dir, &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stacktest.Eventually(t, end.name+": the host", func() bool { return status() == http.StatusOK })
		if answer := p.Get(t, site); string(answer.Body) != "tea /pot" {
			t.Errorf("%s: got %s", end.name, answer.Body)
		}
		if plain := p.Get(t, strings.Replace(p.HTTP, "localhost", "tea.localhost", 1)+"/x"); string(plain.Body) != "tea /x" {
			t.Errorf("%s: by HTTP: got %d %s", end.name, plain.Status, plain.Body)
		}
		_, refused, code := execute(t, dir, args("run", "--name", "tea", "--", "true")...)
		if code != 1 || !strings.Contains(refused, "error: --name tea: ") || !strings.Contains(refused, "tea.localhost is taken") {
			t.Errorf("%s: a second one: got %d, %s", end.name, code, refused)
		}
		if end.tree {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		} else if err := cmd.Process.Signal(end.signal); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if want := fmt.Sprintf("https://tea.localhost:%s leads to port ", p.HTTPS[strings.LastIndex(p.HTTPS, ":")+1:]); err == nil ||
			!strings.Contains(stderr.String(), want) {
			t.Errorf("%s: got %v, and %s", end.name, err, &stderr)
		}
		stacktest.Eventually(t, end.name+": the route's end", func() bool { return status() == http.StatusNotFound })
	}
	_, refused, code := execute(t, dir, args("run", "--name", "axion", "--", "true")...)
	if code != 1 || !strings.Contains(refused, "stack itself") {
		t.Errorf("a host of the stack: got %d, %s", code, refused)
	}
}

// TestRunEphemeral: where no stack runs, one is started for the command, with the services of
// the compose file, and nothing is left of it.
func TestRunEphemeral(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "compose.yaml"), `
services:
  once: {x-axion: {command: "echo once > once.txt", directory: .}, environment: {GREETING: hello}}
  kafka: {image: apache/kafka}
`)
	out, stderr, code := execute(t, dir, "run", "--", "sh", "-c", "cat once.txt; echo $AXION_DASHBOARD; exit 3")
	first, dashboard, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if code != 3 || first != "once" || !strings.HasPrefix(dashboard, "http://127.0.0.1:") ||
		!strings.Contains(stderr, "started one that keeps nothing") {
		t.Fatalf("got %d, %s%s", code, out, stderr)
	}
	if answer, err := http.Get(dashboard + "/health"); err == nil {
		_ = answer.Body.Close()
		t.Error("the stack outlives the command")
	}
	if _, err := os.Stat(filepath.Join(dir, ".axion")); err == nil {
		t.Error("something was kept")
	}
	if out, stderr, code := execute(t, dir, "exec", "once", "--", "printenv", "GREETING"); code != 0 || out != "hello\n" {
		t.Errorf("exec: got %d, %s%s", code, out, stderr)
	}
	save(t, filepath.Join(dir, "compose.yaml"), `services: {broken: {x-axion: {command: "exit 9", directory: .}}}`)
	if _, stderr, code := execute(t, dir, "run", "--", "true"); code != 1 || !strings.Contains(stderr, "error: service broken has failed") {
		t.Errorf("a service that fails: got %d, %s", code, stderr)
	}
}
