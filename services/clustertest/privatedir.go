package clustertest

import (
	"os"
	"path/filepath"
	"testing"
)

// PrivateDir is a new directory that no other user may write into, nor into one above it:
// t.TempDir's is below a folder that is everybody's. The test's end removes it. Without
// a home directory the test is skipped, or fails: see [Missing].
func PrivateDir(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		Missing(t, "a home directory", "one by HOME")
	}
	parent := filepath.Join(cache, "axion-test")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(parent, "dir-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
