package stacktest_test

import (
	"net/http"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestProcess deploys a service from a project's graph, which runs as a process:
// built, supervised, listed, put back, cancelled, and gone with its project.
func TestProcess(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	projects := s.URL(contract.GraphHost, "/api/projects")
	var p stacktest.Project
	s.Do(t, http.MethodPost, projects, s.Token, map[string]any{
		"name": "Shop", "config": map[string]string{"runtime": "process"},
		"graph": contract.Architecture{Nodes: []contract.Node{{ID: "shop", Type: contract.NodeService, Language: "go"}},
			Edges: []contract.Edge{}},
	}).Decode(t, http.StatusCreated, &p)
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	site := s.URL("shop."+contract.AppsDomain, "/")
	if a := s.Get(t, site); a.Status != 200 || string(a.Body) != `{"service":"shop"}`+"\n" {
		t.Errorf("the service answers %d %s", a.Status, a.Body)
	}
	var runtimes contract.RuntimeList
	inventory := s.URL("infrastructure.localhost", "/api/runtimes")
	s.Do(t, http.MethodGet, inventory, s.Token, nil).Decode(t, 200, &runtimes)
	if len(runtimes.Items) != 1 || runtimes.Items[0].State != contract.StateRunning || runtimes.Items[0].PID == 0 {
		t.Errorf("inventory: %+v", runtimes.Items)
	}
	if logs := s.Do(t, http.MethodGet, inventory+"/"+p.ID+"/logs", s.Token, nil); !strings.Contains(string(logs.Body),
		"[axion] start: ./service") {
		t.Errorf("log: %s", logs.Body)
	}
	deployments := s.URL("deployment.localhost", "/api/deployments")
	first := runtimes.Items[0].DeploymentID

	// A static site takes its place, and the service is put back.
	s.Do(t, http.MethodPatch, projects+"/"+p.ID, s.Token, map[string]any{"config": map[string]string{"runtime": "static"}}).Decode(t, 200, nil)
	s.Do(t, http.MethodPost, projects+"/"+p.ID+"/deployments", s.Token, nil).Decode(t, http.StatusAccepted, nil)
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	stacktest.Eventually(t, "the static page", func() bool { return strings.Contains(string(s.Get(t, site).Body), "<html") })
	var back contract.DeploymentRecord
	s.Do(t, http.MethodPost, deployments+"/"+first+"/rollback", s.Token, nil).Decode(t, http.StatusAccepted, &back)
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	stacktest.Eventually(t, "the service again", func() bool { return strings.Contains(string(s.Get(t, site).Body), `"shop"`) })
	s.Do(t, http.MethodGet, deployments+"/"+back.ID, s.Token, nil).Decode(t, 200, &back)
	if back.Status != contract.StatusSucceeded || back.RollbackTo != first {
		t.Errorf("rolled back: %+v", back)
	}
	if a := s.Do(t, http.MethodPost, deployments+"/"+back.ID+"/cancel", s.Token, nil); a.Status != http.StatusConflict {
		t.Errorf("cancel of what has ended: %d %s", a.Status, a.Body)
	}
	s.Do(t, http.MethodDelete, projects+"/"+p.ID, s.Token, nil).Decode(t, http.StatusNoContent, nil)
	stacktest.Eventually(t, "the inventory to empty", func() bool {
		runtimes = contract.RuntimeList{}
		s.Do(t, http.MethodGet, inventory, s.Token, nil).Decode(t, 200, &runtimes)
		return len(runtimes.Items) == 0
	})
	stacktest.Eventually(t, "the route to go", func() bool { return s.Get(t, site).Status == http.StatusNotFound })
}
