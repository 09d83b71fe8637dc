package steady_test

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestUsed: no time of the machine's clock is kept as a number in the gateway: once
// that clock is set back by an hour, what waits for it to pass waits for an hour.
func TestUsed(t *testing.T) {
	t.Parallel()
	gateway := os.DirFS("..")
	err := fs.WalkDir(gateway, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "bench/") {
			return err
		}
		text, err := fs.ReadFile(gateway, path)
		for _, use := range []string{"time.Now().Unix", "time.Since(time.Unix("} {
			if bytes.Contains(text, []byte(use)) {
				t.Errorf("gateway/%s: has %s: use package steady", path, use)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
