package stacktest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// withBinary is the environment in which axion is in the PATH, with more added.
func withBinary(more ...string) []string {
	return append(append(os.Environ(), "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH")), more...)
}

// TestDocsNest builds the NestJS service of the documentation out of its files, and runs it
// by its commands in codegen's place: a project's site is what it made.
func TestDocsNest(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	all := blocks(t, "../../embed/docs/nestjs.md")
	dir := t.TempDir()
	files(t, dir, all)
	wantInstalled(t, filepath.Join(dir, "package.json"))
	if err := os.Symlink(app.Packages(), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	s := stacktest.Launch(t, binary, "--data", filepath.Join(dir, ".axion"), "--without", contract.Codegen)
	at := slices.IndexFunc(all, func(b block) bool { return b.language == "sh" && node.MatchString(b.text) })
	if at < 0 {
		t.Fatal("the page has no commands for Node")
	}
	commands := all[at].commands()
	if commands[0] != "npm install" {
		t.Errorf("got %q, want what was installed already", commands[0])
	}
	last := len(commands) - 1
	shell(t, s, dir, "nestjs.md", commands[1:last])
	service := exec.CommandContext(t.Context(), "sh", "-e", "-c", "exec "+commands[last])
	log := &stacktest.Log{}
	service.Dir, service.Stdout, service.Stderr = dir, log, log
	service.Env = withBinary("OTEL_SERVICE_NAME="+contract.Codegen, "OTEL_EXPORTER_OTLP_ENDPOINT="+s.OTLPHTTP)
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = service.Process.Kill()
		_ = service.Wait() // "signal: killed"
		if t.Failed() {
			t.Logf("the service:\n%s", log)
		}
	})
	stacktest.Eventually(t, "the service to join its group", func() bool { return stateOf(t, s, contract.Codegen) == "healthy" })
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "Documented", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/"))
	if got := string(page.Body); page.Status != 200 || !strings.Contains(got, "<h1>Documented</h1> from my codegen") {
		t.Errorf("site: got %d %s", page.Status, got)
	}
}

// wantInstalled checks that a package.json asks for what the tests' own NestJS peer has
// installed, in the same versions.
func wantInstalled(t *testing.T, file string) {
	t.Helper()
	type manifest struct{ Dependencies, DevDependencies map[string]string }
	read := func(file string) (m manifest) {
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	asked, has := read(file), read("../../services/bus/testdata/nest/package.json")
	for name, version := range asked.Dependencies {
		if has.Dependencies[name] != version {
			t.Errorf("the documentation installs %s %s, the tests %q", name, version, has.Dependencies[name])
		}
	}
	for name, version := range asked.DevDependencies {
		if has.DevDependencies[name] != version {
			t.Errorf("the documentation installs %s %s, the tests %q", name, version, has.DevDependencies[name])
		}
	}
}

// TestDocsStack starts a stack by each of the documentation's helpers for tests, in Node
// and in Go.
func TestDocsStack(t *testing.T) {
	t.Parallel()
	all := blocks(t, "../../embed/docs/tests.md")
	run := func(t *testing.T, dir, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, withBinary()
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "kafka is at localhost:") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	t.Run("Node", func(t *testing.T) {
		t.Parallel()
		stacktest.NeedNode(t)
		dir := t.TempDir()
		files(t, dir, all)
		save(t, filepath.Join(dir, "use.mjs"), `import { start } from './stack.mjs';
const stack = await start();
console.log("kafka is at " + stack.kafka);
await stack.end();
`)
		run(t, dir, "node", "use.mjs")
	})
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		at := slices.IndexFunc(all, func(b block) bool { return b.language == "go" })
		if at < 0 {
			t.Fatal("the page has nothing in Go")
		}
		dir := t.TempDir()
		save(t, filepath.Join(dir, "go.mod"), "module example\n\ngo 1.26\n")
		save(t, filepath.Join(dir, "stack_test.go"),
			"package example\n\nimport (\n\"encoding/json\"\n\"os\"\n\"os/exec\"\n\"testing\"\n)\n\nfunc TestStack(t *testing.T) {\n"+
				all[at].text+"t.Log(\"kafka is at \" + stack.Kafka)\n}\n")
		run(t, dir, "go", "test", "-v", ".")
	})
}
