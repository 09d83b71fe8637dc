package stacktest_test

import (
	"slices"
	"testing"
	"time"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestCrash kills the program in the middle of a deployment. Started again on the
// same directory it finishes the deployment, having lost and repeated nothing.
func TestCrash(t *testing.T) {
	t.Parallel()
	args := append(clustertest.Flags(t), "--data", t.TempDir())
	// Without codegen a deployment cannot get past its first step.
	s := stacktest.Launch(t, binary, slices.Concat(args, []string{"--without", contract.Codegen})...)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "crash", "")
	started, _ := ws.ReadUntil(t, p.ID, contract.DeploymentStarted)
	s.Kill(t)

	s = stacktest.Launch(t, binary, args...)
	after := started.At.Add(-time.Nanosecond).Format(time.RFC3339Nano)
	end, types := s.WebSocket(t, "/ws?token="+s.Token+"&after="+after).ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	want := []string{contract.DeploymentStarted, contract.DeploymentProgress, contract.DeploymentProgress, contract.DeploymentSucceeded}
	if !slices.Equal(types, want) || end.DeploymentID != started.DeploymentID {
		t.Errorf("after the crash: got %v of %s, want %v of %s", types, end.DeploymentID, want, started.DeploymentID)
	}
	if got := s.Events(t, contract.Topic(contract.Graph)); got != len(want) {
		t.Errorf("events on graph's topic: got %d, want %d", got, len(want))
	}
	if page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); page.Status != 200 {
		t.Errorf("site: got %d", page.Status)
	}
}

// TestRestart: what ran before a restart runs after it.
func TestRestart(t *testing.T) {
	t.Parallel()
	args := append(clustertest.Flags(t), "--data", t.TempDir())
	s := stacktest.Launch(t, binary, args...)
	p := s.Create(t, "", "again", "")
	s.WebSocket(t, "/ws?token="+s.Token+"&after=2000-01-01T00:00:00Z").ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	s.Kill(t)
	s = stacktest.Launch(t, binary, args...)
	stacktest.Eventually(t, "the site", func() bool {
		return s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")).Status == 200
	})
}
