// Package keytest reads lists of configuration keys, for tests that go over all of
// them.
package keytest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Key is a setting of Traefik's.
type Key struct {
	// Path is as in Traefik's files: "http.routers.<n>.rule". <n> stands for a name, [n]
	// for an index.
	Path   string
	Sample string // a value that can be distinguished from an unset one
	// Where says where Traefik takes it: in files, as a label or in both; "ignored" as a
	// label means that this gateway follows what Traefik ignores there.
	Where string
	// Verdict is what becomes of it: the test that shows it followed, as
	// "package.TestName"; "reported", if a problem says that it is not; or "inert", if
	// there is nothing to follow.
	Verdict string
	Line    int // in the list
}

// Field is the last name of the path that is one of Traefik's.
func (k Key) Field() string {
	segments := strings.Split(strings.ReplaceAll(k.Path, "[n]", ""), ".")
	for i := len(segments) - 1; i > 0; i-- {
		if segments[i] != "<n>" {
			return segments[i]
		}
	}
	return segments[0]
}

// Name is the path with names in place of <n> and the index 0 in place of [n].
func (k Key) Name() string {
	name := strings.Replace(k.Path, "<n>", "n", 1)
	return strings.NewReplacer("<n>", "key", "[n]", "[0]").Replace(name)
}

// Read reads a list: a key a line with its four columns; # begins a comment.
func Read(t *testing.T, file string) []Key {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var keys []Key
	seen := map[string]bool{}
	for i, line := range strings.Split(string(data), "\n") {
		columns := strings.Fields(line)
		if len(columns) == 0 || columns[0] == "#" {
			continue
		}
		if len(columns) != 4 || seen[strings.ToLower(columns[0])] {
			t.Fatalf("%s:%d: %q is not a key of its own with its four columns", file, i+1, line)
		}
		seen[strings.ToLower(columns[0])] = true
		keys = append(keys, Key{columns[0], columns[1], columns[2], columns[3], i + 1})
	}
	return keys
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// CheckTests fails for each key whose verdict names a test that does not exist below
// root, or that stands in a file which does not speak of the key's field.
func CheckTests(t *testing.T, root string, keys []Key) {
	t.Helper()
	texts := map[string]string{} // by package and test, the file in lower case
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if rel == "." {
			rel = "gateway"
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(data), -1) {
			texts[filepath.ToSlash(rel)+"."+m[1]] += strings.ToLower(string(data))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Verdict == "reported" || k.Verdict == "inert" {
			continue
		}
		text, ok := texts[k.Verdict]
		switch {
		case !ok:
			t.Errorf("line %d: %s: there is no test %s", k.Line, k.Path, k.Verdict)
		case !strings.Contains(text, strings.ToLower(k.Field())):
			t.Errorf("line %d: %s: the file of %s does not speak of %s", k.Line, k.Path, k.Verdict, k.Field())
		}
	}
}
