package watch

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree is a directory that is watched.
type tree struct {
	t       *testing.T
	dir     string
	changed chan []string
}

func plant(t *testing.T, globs []string, files ...string) *tree {
	t.Helper()
	w := &tree{t: t, dir: t.TempDir(), changed: make(chan []string, 100)}
	for _, file := range files {
		w.write(file, "")
	}
	watcher, err := New(w.dir, globs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- watcher.Run(ctx, func(paths []string) { w.changed <- paths }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *tree) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// expect wants the next report to be of these files.
func (w *tree) expect(want ...string) {
	w.t.Helper()
	select {
	case got := <-w.changed:
		if !slices.Equal(got, want) {
			w.t.Errorf("got %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		w.t.Fatalf("no change of %q is reported", want)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	w := plant(t, []string{"*.go", "config/**/*.yaml"}, "a.go", "b/c.go", "b/c.txt", "config/x.yaml", "gone.go")
	w.write("b/c.txt", "no glob matches")
	w.write("a.go", "1")
	w.write("b/c.go", "1")
	w.expect("a.go", "b/c.go")
	w.write("new/deep/d.go", "1")
	w.expect("new/deep/d.go")
	w.write("new/deep/d.go", "2") // the second time
	w.expect("new/deep/d.go")
	if err := os.Remove(filepath.Join(w.dir, "gone.go")); err != nil {
		t.Fatal(err)
	}
	w.expect("gone.go")
	w.write("a.tmp", "2")
	if err := os.Rename(filepath.Join(w.dir, "a.tmp"), filepath.Join(w.dir, "a.go")); err != nil { // as editors save
		t.Fatal(err)
	}
	w.expect("a.go")
	w.write("config/x.yaml", "1")
	w.write("other.yaml", "1")
	w.expect("config/x.yaml")
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	w := plant(t, nil, "a.go", "node_modules/x/index.js", ".git/HEAD")
	w.write(".gitignore", "dist/\n*.log\n!keep.log\n")
	w.write("sub/.gitignore", "/local\n")
	w.write("sub/x", "1")
	w.expect("sub/x")
	w.write("node_modules/x/index.js", "1")
	w.write(".git/HEAD", "1")
	w.write("dist/out.js", "1")
	w.write("x.log", "1")
	w.write("sub/local", "1")
	w.write("keep.log", "1")
	w.write("local", "1")
	w.expect("keep.log", "local")
}

// TestRepositoryAbove: what a repository leaves out counts in its folders.
func TestRepositoryAbove(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{".git", "services/a"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, ".gitignore"), []byte("build\n/services/a/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := newIgnore(filepath.Join(root, "services", "a"))
	for name, want := range map[string]bool{"build": true, "b/build": true, "x": true, "b/x": false, "main.go": false} {
		if got := i.skips(name, false); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestBadGlob(t *testing.T) {
	t.Parallel()
	if _, err := New(t.TempDir(), []string{"[a"}); err == nil {
		t.Error("a glob that is none is accepted")
	}
	if _, err := New(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a directory that is not there is accepted")
	}
}
