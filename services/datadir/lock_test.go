package datadir

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childDir names the variable that makes the test binary lock that directory, in place
// of running tests.
const childDir = "AXION_TEST_LOCK_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child holds the lock until its standard input ends, or it is killed.
func child(dir string) int {
	lock, err := Acquire(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := lock.Release(); err != nil {
		return 1
	}
	return 0
}

// spawn has a process of its own hold the lock of dir until kill.
func spawn(t *testing.T, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return kill
}

func TestAcquire(t *testing.T) {
	t.Parallel()

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for range 2 {
			lock, err := Acquire(dir)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := lock.Release(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})

	t.Run("ErrNoDirectory", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{file, filepath.Join(file, "below")} {
			_, err := Acquire(dir)
			hint, ok := err.(interface{ Hint() string })
			if !ok || !strings.Contains(err.Error(), file) || !strings.Contains(hint.Hint(), "--data") {
				t.Errorf("got %v, want an error that names %s, with a hint", err, file)
			}
		}
	})
	t.Run("ErrInUse", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		kill := spawn(t, dir)
		_, err := Acquire(dir)
		inUse, ok := err.(*InUseError)
		if !ok || inUse.Dir != dir || inUse.PID <= 0 || inUse.PID == os.Getpid() {
			t.Fatalf("got %v, want an error with the directory and the process", err)
		}
		if !strings.Contains(inUse.Hint(), "--data") || !strings.Contains(inUse.Error(), dir) {
			t.Errorf("got %q, %q", inUse.Error(), inUse.Hint())
		}
		kill()
		lock, err := Acquire(dir)
		if err != nil {
			t.Fatalf("the lock outlives its process: %v", err)
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	})
}
