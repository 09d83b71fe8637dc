package nesttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// Packages are the node_modules of any application with a lock file, in the directory
// source: npm installs them into the user's cache directory, once for each lock file.
// Without Node it skips the test, and with AXION_REQUIRE_TOOLS=1 it fails it.
func Packages(t testing.TB, source string) string {
	t.Helper()
	requireNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	dir, unlock, err := installPackages(ctx, source)
	if err != nil {
		t.Fatalf("install the packages of %s: %v", source, err)
	}
	unlock()
	return filepath.Join(dir, "node_modules")
}

func requireNode(t testing.TB) {
	t.Helper()
	for tool, name := range map[string]string{"node": "nodejs", "npm": "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing := fmt.Sprintf("%s is not installed: install the package %s (Node 20 or later)", tool, name)
			if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
}

// installPackages returns a directory with the node_modules of an application, which is
// locked until unlock is called: another package's tests install too.
func installPackages(ctx context.Context, source string) (dir string, unlock func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, err
	}
	packages, err := hash(source, "package.json", "package-lock.json")
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(cache, "axion-nest-"+packages)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	unlock = func() { _ = lock.Unlock() }
	if err := installInto(ctx, source, dir); err != nil {
		unlock()
		return "", nil, err
	}
	return dir, unlock, nil
}

// installInto is npm's, which marks its end by a file of its own.
func installInto(ctx context.Context, source, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil {
		return nil
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return run(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// hash is that of files and whole directories below dir.
func hash(dir string, names ...string) (string, error) {
	sum := sha256.New()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(sum, "%s %d\n%s", d.Name(), len(content), content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
