package stacktest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/web/stacktest"
	"axion/web/view"
)

// project is a compose file whose services need nothing but a shell.
const project = `
services:
  kafka: {image: apache/kafka}
  mongo: {image: "mongo:7", ports: ["27017:27017"]}
  once:
    x-axion: {command: "echo done of $$GREETING", directory: .}
    environment: {GREETING: hello}
  web:
    x-axion: {command: "echo begins as $$$$; exec sleep 1000", directory: .}
    environment: {BROKER: "kafka:9092", API_TOKEN: "it's \"so\" $$x"}
`

// launchProject starts a stack on that file. The arguments for other commands name it.
func launchProject(t *testing.T) (p *stacktest.Process, dir string, args func(...string) []string) {
	t.Helper()
	dir = t.TempDir()
	save(t, filepath.Join(dir, "compose.yaml"), project)
	data := filepath.Join(dir, ".axion")
	p = stacktest.Launch(t, binary, "--data", data, "-f", filepath.Join(dir, "compose.yaml"))
	args = func(command ...string) []string { return append([]string{command[0], "--data", data}, command[1:]...) }
	return p, dir, args
}

// listed is what `axion ps --json` prints, by name.
func listed(t *testing.T, dir string, args []string) map[string]view.Service {
	t.Helper()
	out, stderr, code := execute(t, dir, args...)
	var all []view.Service
	if err := json.Unmarshal([]byte(out), &all); code != 0 || err != nil {
		t.Fatalf("axion ps --json: got %d, %v, %s%s", code, err, out, stderr)
	}
	byName := map[string]view.Service{}
	for _, s := range all {
		byName[s.Name] = s
	}
	return byName
}

// TestServiceCommands: services are listed, stopped, started and restarted, and what they
// write is shown.
func TestServiceCommands(t *testing.T) {
	t.Parallel()
	_, dir, args := launchProject(t)
	wants := func(code int, command []string, texts ...string) {
		t.Helper()
		out, stderr, got := execute(t, dir, args(command...)...)
		for _, text := range texts {
			if !strings.Contains(out+stderr, text) {
				t.Errorf("axion %v: no %q in %s%s", command, text, out, stderr)
			}
		}
		if got != code {
			t.Errorf("axion %v: got exit code %d, want %d: %s%s", command, got, code, out, stderr)
		}
	}
	var first map[string]view.Service
	stacktest.Eventually(t, "running services", func() bool {
		first = listed(t, dir, args("ps", "--json"))
		return first["web"].State == view.ServiceRunning && first["once"].State == view.ServiceCompleted
	})
	wants(0, []string{"ps"}, "SERVICE", "web", "running", "x-axion gives a command", "the broker stands in for apache/kafka",
		"nothing here provides mongo:7", "hint: start it on 27017")

	wants(0, []string{"stop", "web"}, "web is stopped")
	wants(0, []string{"stop", "web"}, "web is stopped")
	wants(0, []string{"start", "web", "once"}, "web is ", "once is ")
	wants(0, []string{"restart", "web"}, "web is ")
	second := listed(t, dir, args("ps", "--json"))
	if was, is := first["web"].Instances[0].PID, second["web"].Instances[0].PID; was == is || is == 0 {
		t.Errorf("web: process %d became %d", was, is)
	}
	wants(0, []string{"logs", "web"}, fmt.Sprintf("web | begins as %d\n", second["web"].Instances[0].PID))
	wants(0, []string{"logs", "once", "--json"}, `"message":"done of hello"`)
	if out, _, _ := execute(t, dir, args("logs", "once", "-n", "1")...); strings.Count(out, "\n") != 1 || strings.Contains(out, "\x1b") {
		t.Errorf("logs -n 1: got %q", out)
	}
	if out, stderr, code := execute(t, dir, args("logs", "once", "--since", "2040-01-01")...); out != "" || code != 0 {
		t.Errorf("logs of later: got %d, %s%s", code, out, stderr)
	}

	wants(1, []string{"restart", "web", "wbe"}, `error: there is no service "wbe"`, "hint: the services are kafka, mongo, once, web")
	wants(1, []string{"logs", "wbe"}, `error: there is no service "wbe"`, "hint: ")
	wants(1, []string{"stop", "kafka"}, "error: stop kafka: ")
	wants(1, []string{"restart", "mongo"}, "error: restart mongo: ")
	wants(1, []string{"logs", "--since", "soon"}, `error: --since "soon"`)
	wants(1, []string{"logs", "--level", "loud"}, `error: --level "loud"`)
	wants(1, []string{"start"}, "error: ")
	if got := listed(t, dir, args("ps", "--json"))["web"].Instances[0].PID; got != second["web"].Instances[0].PID {
		t.Errorf("web was restarted beside an unknown name")
	}
}

// TestLogsFollow: lines are shown as they come, of the services that are asked for, until
// the stack ends.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	p, dir, args := launchProject(t)
	cmd := exec.CommandContext(t.Context(), binary, args("logs", "-f", "once", "kafka")...)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 3 { // the first start, and two more
		if !lines.Scan() || !strings.HasSuffix(lines.Text(), "once | done of hello") {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
		if _, stderr, code := execute(t, dir, args("restart", "once")...); code != 0 {
			t.Fatal(stderr)
		}
		if _, stderr, code := execute(t, dir, args("restart", "web")...); code != 0 {
			t.Fatal(stderr)
		}
	}
	p.Stop(t)
	rest, err := io.ReadAll(out)
	if err != nil || strings.Contains(string(rest), "web") {
		t.Errorf("afterwards: %q, %v", rest, err)
	}
	timer := time.AfterFunc(stacktest.Timeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the stack's end ends it with %v", err)
	}
}

// TestEnvService: the environment of a service is what its process gets, in a form that a
// shell evaluates.
func TestEnvService(t *testing.T) {
	t.Parallel()
	p, dir, args := launchProject(t)
	out, stderr, code := execute(t, dir, args("env", "web", "--json")...)
	var env map[string]string
	if err := json.Unmarshal([]byte(out), &env); err != nil || code != 0 {
		t.Fatalf("got %d, %v, %s%s", code, err, out, stderr)
	}
	if env["BROKER"] != p.Summary.Kafka || env["KAFKA_BROKERS"] != p.Summary.Kafka || env["API_TOKEN"] != `it's "so" $x` ||
		env["OTEL_SERVICE_NAME"] != "web" {
		t.Errorf("got %v", env)
	}
	shell, _, _ := execute(t, dir, args("env", "web", "--format", "shell")...)
	got, err := exec.CommandContext(t.Context(), "sh", "-c", shell+`printf %s "$API_TOKEN"`).Output()
	if err != nil || string(got) != env["API_TOKEN"] || strings.Contains(shell, "#") {
		t.Errorf("got %q, %v from %s", got, err, shell)
	}
	for want, command := range map[string][]string{
		`error: there is no service "wbe"`:         {"env", "wbe"},
		`error: --format "ini": must be one of `:   {"env", "web", "--format", "ini"},
		`error: --json and --format shell: use on`: {"env", "--json", "--format", "shell"},
	} {
		if _, stderr, code := execute(t, dir, args(command...)...); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("axion %v: got %d, %s", command, code, stderr)
		}
	}
}

// TestServiceCommandsErr: without a stack, and without a compose file, the commands say what
// is missing.
func TestServiceCommandsErr(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	all := [][]string{{"ps"}, {"logs", "web"}, {"stop", "web"}, {"start", "web"}, {"restart", "web"}, {"env", "web"}}
	for _, command := range all {
		_, stderr, code := execute(t, t.TempDir(), append(command, "--data", data)...)
		if code != 1 || !strings.Contains(stderr, "error: no stack is running on "+data) ||
			!strings.Contains(stderr, "hint: start one with axion") {
			t.Errorf("axion %v without a stack: got %d, %s", command, code, stderr)
		}
	}
	stacktest.Launch(t, binary, "--data", data)
	for _, command := range all {
		if command[0] == "logs" {
			continue // the stack has lines of its own
		}
		_, stderr, code := execute(t, t.TempDir(), append(command, "--data", data)...)
		if code != 1 || !strings.Contains(stderr, "without a compose file") || !strings.Contains(stderr, "hint: ") {
			t.Errorf("axion %v without a compose file: got %d, %s", command, code, stderr)
		}
	}
	if out, _, code := execute(t, t.TempDir(), "ps", "--json", "--data", data); code != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("ps --json without a compose file: got %d, %s", code, out)
	}
}
