//go:build linux

package stacktest_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestFullDisk fills the disk under a stack in the middle of deployments: /ready and
// the System page say so while it is full, and all of it goes on once there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := mount(t, "size=128m")
	s := stacktest.Launch(t, binary, "--data", dir)
	t.Cleanup(func() { s.Stop(t) }) // before the disk goes
	deploys(t, s, "before")
	ready := s.URL(contract.GraphHost, "/ready")
	filler := filepath.Join(dir, "filler")
	p := s.Create(t, "", "under way", "")
	fill(t, filler)
	if a := s.Get(t, ready); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "the disk of "+dir) {
		t.Errorf("/ready: got %d: %s", a.Status, a.Body)
	}
	if a := s.Get(t, s.Dashboard+"/api/system"); !strings.Contains(string(a.Body), "is full") {
		t.Errorf("the System page says nothing: %s", a.Body)
	}
	a := s.Do(t, http.MethodPost, s.URL(contract.GraphHost, "/api/projects"), s.Token, map[string]any{"name": strings.Repeat("x", 60)})
	if a.Status != http.StatusServiceUnavailable && a.Status != http.StatusCreated { // it may still fit
		t.Errorf("create: got %d: %s", a.Status, a.Body)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	stacktest.Eventually(t, "the service to be ready", func() bool { return s.Get(t, ready).Status == http.StatusOK })
	stacktest.Eventually(t, "the deployment under way", func() bool {
		var list struct{ Items []struct{ Status string } }
		s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+p.ID+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
		return len(list.Items) == 1 && list.Items[0].Status == contract.StatusSucceeded
	})
	deploys(t, s, "after")
	if n := letters(t, s); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// TestDiskReserve takes what the broker keeps free of a disk, in bytes and in files, but
// leaves the services some: /ready and the page say at once that records are refused,
// though nobody has written any, and as soon that there is room again.
func TestDiskReserve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, disk string
		take       func(t *testing.T, dir string)
		says       string
	}{
		{"Bytes", "size=128m", func(t *testing.T, dir string) { leave(t, filepath.Join(dir, "filler"), 4<<20) }, "is full: records are refused"},
		{"Files", "size=128m,nr_inodes=2000", takeFiles, "is full of files: records are refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := mount(t, c.disk)
			s := stacktest.Launch(t, binary, "--data", filepath.Join(dir, "data"))
			t.Cleanup(func() { s.Stop(t) }) // before the disk goes
			ready := s.URL(contract.GraphHost, "/ready")
			var system struct {
				Problems []struct{ Kind, Message string }
				Parts    []struct{ Name, State string }
			}
			filler := filepath.Join(dir, "fillers")
			for range 2 {
				if err := os.Mkdir(filler, 0o700); err != nil {
					t.Fatal(err)
				}
				c.take(t, filler)
				if a := s.Get(t, ready); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "takes no records") {
					t.Errorf("/ready: got %d: %s", a.Status, a.Body)
				}
				s.Get(t, s.Dashboard+"/api/system").Decode(t, http.StatusOK, &system)
				if len(system.Problems) != 1 || !strings.Contains(system.Problems[0].Message, c.says) {
					t.Errorf("the System page: got %+v, want one problem: %s", system.Problems, c.says)
				}
				if part := system.Parts[0]; part.Name != "broker" || part.State != "unhealthy" {
					t.Errorf("the System page: got %+v, want the broker unhealthy", part)
				}
				if err := os.RemoveAll(filler); err != nil {
					t.Fatal(err)
				}
				stacktest.Eventually(t, "the service to be ready", func() bool { return s.Get(t, ready).Status == http.StatusOK })
			}
		})
	}
}

// mount mounts a disk of its own for the test.
func mount(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); errors.Is(err, syscall.EPERM) {
		clustertest.Missing(t, "the right to mount", "nothing, and be root")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// leave writes a file that leaves this much of its disk free.
func leave(t *testing.T, path string, bytes int64) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &disk); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, int64(disk.Bavail)*disk.Bsize-bytes), 0o600); err != nil {
		t.Fatal(err)
	}
}

// takeFiles makes files in dir until its disk takes few more.
func takeFiles(t *testing.T, dir string) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	for n := range disk.Ffree - 40 {
		if err := os.WriteFile(filepath.Join(dir, strconv.FormatUint(n, 10)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for n := 16 << 20; n >= 4<<10; n /= 2 {
		for {
			if _, err := f.Write(make([]byte, n)); err != nil {
				break
			}
		}
	}
}
