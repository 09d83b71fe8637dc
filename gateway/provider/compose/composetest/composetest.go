// Package composetest helps tests to write compose projects.
package composetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Unpack writes the files of a text in which "-- name --" starts each, and
// returns their directory.
func Unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	for _, f := range strings.Split("\n"+archive, "\n-- ")[1:] {
		name, text, _ := strings.Cut(f, " --\n")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
