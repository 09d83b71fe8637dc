//go:build linux

package stacktest_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
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
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128m"); errors.Is(err, syscall.EPERM) {
		clustertest.Missing(t, "the right to mount", "nothing, and be root")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
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
