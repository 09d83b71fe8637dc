// Package nesttest runs NestJS peers in tests: real Node processes of the
// application in services/bus/testdata/nest, on real Kafka connections. Only
// tests import it.
package nesttest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// installTime bounds the installation, on a slow network too.
const installTime = 3 * time.Minute

// App is the application, installed and compiled.
type App struct{ main string }

// Open installs the application where this machine has not got it yet: its
// packages from the npm registry into the user's cache directory, once for each
// lock file, and its compiled code beside them. Without Node it skips the test,
// and with AXION_REQUIRE_TOOLS=1 it fails it.
func Open(t testing.TB) *App {
	t.Helper()
	requireNode(t)
	main, err := install()
	if err != nil {
		t.Fatalf("install the NestJS peer: %v", err)
	}
	return &App{main: main}
}

// Packages are the node_modules that the application was installed with, for another
// one that needs no others.
func (a *App) Packages() string {
	return filepath.Join(filepath.Dir(a.main), "..", "..", "node_modules") // beside build-HASH/dist/main.js
}

// install returns the path of the compiled program.
var install = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	source, err := findSource()
	if err != nil {
		return "", err
	}
	code, err := hash(source, "tsconfig.json", "src")
	if err != nil {
		return "", err
	}
	dir, unlock, err := installPackages(ctx, source)
	if err != nil {
		return "", err
	}
	defer unlock()
	built := filepath.Join(dir, "build-"+code)
	if err := compile(ctx, source, dir, built); err != nil {
		return "", err
	}
	return filepath.Join(built, "dist", "main.js"), nil
})

// findSource looks for the application upwards from the working directory,
// which for a test is its package's.
func findSource() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		source := filepath.Join(dir, "services", "bus", "testdata", "nest")
		if _, err := os.Stat(filepath.Join(source, "package-lock.json")); err == nil {
			return source, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no services/bus/testdata/nest above the working directory")
		}
		dir = parent
	}
}

// compile makes built, whole or not at all.
func compile(ctx context.Context, source, dir, built string) error {
	if _, err := os.Stat(built); err == nil {
		return nil
	}
	draft := filepath.Join(dir, "draft")
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(draft, "src"), os.DirFS(filepath.Join(source, "src"))); err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(source, "tsconfig.json"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(draft, "tsconfig.json"), config, 0o644); err != nil {
		return err
	}
	if err := run(ctx, draft, "node", filepath.Join(dir, "node_modules", "typescript", "bin", "tsc"), "-p", "."); err != nil {
		return err
	}
	return os.Rename(draft, built)
}
