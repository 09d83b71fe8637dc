//go:build unix

package stacktest_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestExposedDirectory: below a folder such as /tmp, in which others may make what
// runtimes look for, no project runs as a process, and what keeps nothing is elsewhere.
func TestExposedDirectory(t *testing.T) {
	t.Parallel()
	everybodys := clustertest.PrivateDir(t)
	if err := os.Chmod(everybodys, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	s := stacktest.Launch(t, binary, "--data", filepath.Join(everybodys, "data"))
	if said := s.Stderr.String(); !strings.Contains(said, "no project runs as a process: other users may write into "+everybodys) {
		t.Errorf("the start says nothing of it: %s", said)
	}
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	var p stacktest.Project
	s.Do(t, http.MethodPost, s.URL(contract.GraphHost, "/api/projects"), s.Token, map[string]any{
		"name": "Shop", "config": map[string]string{"runtime": "process"},
		"graph": contract.Architecture{Nodes: []contract.Node{{ID: "shop", Type: contract.NodeService, Language: "go"}},
			Edges: []contract.Edge{}},
	}).Decode(t, http.StatusCreated, &p)
	if end, _ := ws.ReadUntil(t, p.ID, contract.DeploymentFailed); !strings.Contains(string(end.Data), everybodys) ||
		!strings.Contains(string(end.Data), "--data DIR") {
		t.Errorf("the deployment ended with %s", end.Data)
	}
	site := s.Create(t, "", "a site", "")
	ws.ReadUntil(t, site.ID, contract.DeploymentSucceeded)

	dead := filepath.Join(everybodys, "axion-1") // of a version that kept nothing there
	for _, name := range []string{"lock", "ephemeral"} {
		if err := errors.Join(os.MkdirAll(dead, 0o700), os.WriteFile(filepath.Join(dead, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	other := stacktest.LaunchWith(t, []string{"TMPDIR=" + everybodys}, binary)
	if strings.HasPrefix(other.Data, everybodys) {
		t.Errorf("--ephemeral keeps its data in %s", other.Data)
	}
	if info, err := os.Stat(other.Data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want mode 0700", info, err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("%s: got %v, want it gone", dead, err)
	}
}
