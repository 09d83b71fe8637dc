package command

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/services/compose"
)

// proposed is a project whose services have nothing but folders.
func proposed(t *testing.T, personal string) (i initialization, read func() *compose.Project) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/package.json": `{"scripts": {"dev": "x"}}`, "b/Dockerfile": "FROM x\nCMD echo \"a b\" && sleep 1\n", "c/Cargo.toml": "",
		"compose.yaml": "services:\n  a: {build: ./a}\n  b: {build: ./b}\n  \"1e3\": {build: ./c}\n  mongo: {image: mongo}\n",
		"axion.yaml":   personal,
	} {
		if text == "" && name == "axion.yaml" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read = func() *compose.Project {
		t.Helper()
		project, err := compose.Read(t.Context(), compose.Options{Files: []string{filepath.Join(dir, "compose.yaml")}})
		if err != nil || len(project.Problems) > 0 {
			t.Fatal(err, project)
		}
		return project
	}
	return initialization{dir: dir, all: proposals(read()), out: &bytes.Buffer{}}, read
}

// TestInit: what is accepted is what runs, and what the personal file has stays.
func TestInit(t *testing.T) {
	t.Parallel()
	for name, personal := range map[string]string{
		"New": "", "Empty": "\n", "Comment": "# mine", "Null": "services:\n", "Flow": "services: {}\n",
		"Kept": "# mine\nservices:\n  a: {port: 3000} # keep\n  b:\n    # why\n    port: 4000\n", "NullService": "services:\n  a:\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, read := proposed(t, personal)
			if err := i.write(i.accepted(true, false, nil)); err != nil {
				t.Fatal(err)
			}
			project := read()
			for service, want := range map[string][]string{
				"a": {"npm", "run", "dev"}, "b": {"/bin/sh", "-c", `echo "a b" && sleep 1`}, "1e3": {"cargo", "run"},
			} {
				s := project.Service(service)
				if s.Provider != compose.ByProcess || !slices.Equal(s.Argv, want) {
					t.Errorf("%s: got %s %q, want %q", service, s.Provider, s.Argv, want)
				}
			}
			text, err := os.ReadFile(filepath.Join(i.dir, compose.PersonalFile))
			for _, kept := range []string{"# mine", "# keep", "# why", "port: 3000", "port: 4000"} {
				if err != nil || strings.Contains(personal, kept) && !strings.Contains(string(text), kept) {
					t.Errorf("%s is gone: %s", kept, text)
				}
			}
			again := initialization{dir: i.dir, all: proposals(project), out: i.out}
			if left := again.accepted(true, false, nil); len(left) > 0 {
				t.Errorf("a second call proposes %v", left)
			}
		})
	}
}

// TestInitErr: a file that says something else is not written.
func TestInitErr(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"services: [a]\n", "- a\n", "services: {a: 1}\n", "services:\n\ta: {}\n"} {
		if got, err := addCommands([]byte(text), []proposal{{Service: "a", Command: compose.Argv{"x"}}}); err == nil {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestInitAsk: each service is asked for, and nothing is written without a yes, or before
// the end.
func TestInitAsk(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"y\nn\nYes\n": {"1e3", "b"}, "n\n\n\n": nil, "y\ny\n": nil, "": nil,
	} {
		i, _ := proposed(t, "")
		var got []string
		for _, p := range i.accepted(false, true, strings.NewReader(in)) {
			got = append(got, p.Service)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
		if text := i.out.(*bytes.Buffer).String(); !strings.HasPrefix(text, `1e3: run "cargo run" in c? [y/N] `) {
			t.Errorf("%q: asked %s", in, text)
		}
	}
	i, _ := proposed(t, "")
	if got := i.accepted(false, false, strings.NewReader("y\ny\ny\n")); got != nil {
		t.Errorf("without a terminal: got %v", got)
	}
}
