package stacktest_test

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// execute runs the program to its end.
func execute(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestErrors: bad input ends the program with an error that says where, and with
// a hint where there is one, before anything has started.
func TestErrors(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	bad := filepath.Join(t.TempDir(), "compose.yaml")
	save(t, bad, "services:\n  shop:\n    labels: [\n")
	data := t.TempDir()
	stacktest.Launch(t, binary, "--data", data)

	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"BusyPort", []string{"--ports", "auto", "--kafka", busy.Addr().String()}, []string{"error: --kafka: ", busy.Addr().String(), "hint: "}},
		{"BadAddress", []string{"--http", "nonsense"}, []string{"error: --http: "}},
		{"DataInUse", []string{"--ports", "auto", "--data", data}, []string{"error: ", data, "in use", "hint: ", "--data"}},
		{"DataAndEphemeral", []string{"--ephemeral", "--data", data}, []string{"--ephemeral", "--data"}},
		{"Without", []string{"--without", "grph"}, []string{"--without grph", contract.Graph}},
		{"Ports", []string{"--ports", "some"}, []string{"--ports", "auto"}},
		{"MalformedFile", []string{"--ports", "auto", "-f", bad}, []string{"error: ", bad + ":"}},
		{"MissingFile", []string{"--ports", "auto", "-f", "none.yaml"}, []string{"error: ", "none.yaml"}},
		{"UnknownFlag", []string{"--prots", "auto"}, []string{"error: unknown flag: --prots"}},
		{"UnknownCommand", []string{"uo"}, []string{`error: unknown command "uo"`}},
		{"NotRunning", []string{"routes", "--data", "nowhere"}, []string{"error: no stack is running on nowhere", "hint: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := execute(t, t.TempDir(), test.args...)
			if code != 1 || stdout != "" {
				t.Errorf("got exit code %d and stdout %q, want 1 and nothing", code, stdout)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr)
				}
			}
		})
	}
}

// TestCommands asks a running stack.
func TestCommands(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", data)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "axion "},
		{[]string{"version", "--json"}, `{"version":`},
		{[]string{"routes", "--data", data}, "Host(`graph.localhost`)"},
		{[]string{"routes", "--json", "--data", data}, `"name":"axion-graph@docker"`},
	} {
		stdout, stderr, code := execute(t, data, test.args...)
		if code != 0 || !strings.Contains(stdout, test.want) {
			t.Errorf("axion %v: got %d, %s%s, want %s", test.args, code, stdout, stderr, test.want)
		}
	}
	token, stderr, code := execute(t, data, "token", "--data", data)
	if code != 0 {
		t.Fatalf("axion token: %s", stderr)
	}
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects"), strings.TrimSpace(token), nil).Decode(t, 200, nil)
}
