package stacktest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
)

// Python is the folder of a Python's programs that has the packages of a requirements file:
// a virtual environment in the user's cache directory, made once for each such file.
// Without Python it skips the test, and with AXION_REQUIRE_TOOLS=1 it fails it.
func Python(t testing.TB, requirements string) string {
	t.Helper()
	const missing = "no python3 with its module venv: install python3-venv to run this test"
	if exec.Command("python3", "-c", "import ensurepip, venv").Run() != nil {
		if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	wanted, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.Command("python3", "-VV").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, fmt.Sprintf("axion-venv-%.8x", sha256.Sum256(append(version, wanted...))))
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(dir + ".lock")
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	bin, whole := filepath.Join(dir, "bin"), filepath.Join(dir, "whole")
	if _, err := os.Stat(whole); err == nil {
		return bin
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		{filepath.Join(bin, "pip"), "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	if err := os.WriteFile(whole, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return bin
}
