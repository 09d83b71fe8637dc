package stacktest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/web/stacktest"
	"axion/web/view"
)

// TestInit: commands are proposed, written when they are accepted, and run then; --yes of up
// takes them once. The profile that is asked for runs too.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, "app", "Dockerfile"), "FROM scratch\nCMD echo proposed and run; exec sleep 1000\n")
	save(t, filepath.Join(dir, "compose.yaml"), "services:\n  app: {build: ./app}\n  extra: {profiles: [more], "+
		"x-axion: {command: sleep 1000, directory: .}}\n")
	personal := filepath.Join(dir, "axion.yaml")
	wants := func(want string, args ...string) {
		t.Helper()
		if out, stderr, code := execute(t, dir, args...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("axion %v: got %d, %s%s, want %q", args, code, out, stderr, want)
		}
	}
	wants("proposed: echo proposed and run; exec sleep 1000, in app (Dockerfile)", "init")
	wants("Nothing was written", "init")
	wants(`"from":"Dockerfile"`, "init", "--json")
	if _, err := os.Stat(personal); err == nil {
		t.Error("something was written without a yes")
	}
	state := func(args []string, service string, want view.ServiceState, reason string) {
		t.Helper()
		data := t.TempDir()
		p := stacktest.Launch(t, binary, append(args, "--data", data, "-f", filepath.Join(dir, "compose.yaml"))...)
		defer p.Stop(t)
		stacktest.Eventually(t, service+" "+string(want), func() bool {
			got := listed(t, dir, []string{"ps", "--json", "--data", data})[service]
			return got.State == want && strings.Contains(got.Reason, reason)
		})
	}
	state(nil, "app", view.ServiceFailed, "nothing here provides it")
	state([]string{"--yes"}, "app", view.ServiceRunning, "proposed by Dockerfile")
	wants("wrote "+personal+": app", "init", "--yes")
	wants("app  process: axion.yaml gives a command", "init")
	state([]string{"--profile", "more"}, "app", view.ServiceRunning, "axion.yaml gives a command")
	state([]string{"--profile", "more"}, "extra", view.ServiceRunning, "x-axion gives a command")

	for _, command := range []string{"init", "fetch"} {
		_, stderr, code := execute(t, t.TempDir(), command)
		if code != 1 || !strings.Contains(stderr, "error: there is no compose file here") || !strings.Contains(stderr, "hint: ") {
			t.Errorf("axion %s without a file: got %d, %s", command, code, stderr)
		}
	}
	wants("asks for no PostgreSQL", "fetch")
}
