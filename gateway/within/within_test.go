package within_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"axion/gateway/within"
)

func TestRoot(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, other, outside := filepath.Join(top, "dir"), filepath.Join(top, "other"), filepath.Join(top, "outside")
	for _, d := range []string{filepath.Join(dir, "sub"), other, outside} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{filepath.Join(dir, "file"), filepath.Join(outside, "file")} {
		if err := os.WriteFile(f, []byte("kept\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"out": outside, "outfile": filepath.Join(outside, "file"), "up": "../outside/new", "dangling": "../outside/none", "in": "sub",
		"infile": "file",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	for file, want := range map[string]string{
		"dir/file": dir, "dir/new": dir, "dir/a/b/new": dir, "dir/sub/new": dir, "dir/in/new": dir, "dir/infile": dir, "other/new": other,
		"dir/sub/../new": dir, "dir/../other/new": other,
		"outside/file": "", "outside/new": "", "dir": "", "dir/../outside/new": "", "dirx/new": "",
		"dir/out/file": "", "dir/out/new": "", "dir/out/a/new": "", "dir/outfile": "", "dir/up": "", "dir/dangling": "",
	} {
		for range 2 {
			got, err := within.Root([]string{dir, other}, filepath.Join(top, file))
			if want == "" && !errors.Is(err, within.ErrOutside) || want != "" && (err != nil || got != want) {
				t.Errorf("%s: got %q, %v; want %q", file, got, err, want)
			}
		}
		f, err := within.Append(dir, filepath.Join(top, file))
		if (err == nil) != (want == dir) {
			t.Errorf("open %s: got %v", file, err)
		}
		if err == nil {
			if _, err := f.WriteString("x"); err != nil {
				t.Error(err)
			}
			_ = f.Close()
		}
	}
	for _, file := range []string{"dir/sub", "dir/file/below", "dir/file/below/deep"} {
		if got, err := within.Root([]string{dir, other}, filepath.Join(top, file)); err == nil || errors.Is(err, within.ErrOutside) {
			t.Errorf("%s: got %q, %v; want why it cannot be written to", file, got, err)
		}
		if _, err := within.Append(dir, filepath.Join(top, file)); err == nil {
			t.Errorf("open %s: got no error", file)
		}
	}
	if text, err := os.ReadFile(filepath.Join(outside, "file")); err != nil || string(text) != "kept\n" {
		t.Errorf("outside: got %q, %v", text, err)
	}
	if list, _ := os.ReadDir(outside); len(list) != 1 {
		t.Errorf("outside: got %v, want the file alone", list)
	}
}
