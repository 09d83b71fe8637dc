package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/host/hosttest"
)

// TestKinds: a client sees its projects appear, change and go, and nobody else's; one
// that was away finds what it missed, and a rebuild sends nothing twice.
func TestKinds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, bob := r.dial(t, "alice", ""), r.dial(t, "bob", "")
	body := `{"name":"Site","config":{"title":"A"},"graph":` + small + `}`
	p := hosttest.Decode[readmodel.Project](t, r.do("alice", "POST", projects, body), 201)
	r.do("alice", "PATCH", projects+"/"+p.ID, `{"name":"Other"}`)
	kept := r.create("alice", "Second")
	r.do("alice", "DELETE", projects+"/"+p.ID, "")
	hosttest.WantProblem(t, r.do("alice", "DELETE", projects+"/"+p.ID, ""), 404)
	his := r.create("bob", "His")

	want := []struct{ typ, id, name string }{
		{contract.ProjectCreated, p.ID, "Site"}, {contract.ProjectUpdated, p.ID, "Other"},
		{contract.ProjectCreated, kept.ID, "Second"}, {contract.ProjectDeleted, p.ID, "Other"},
	}
	var seen []live.Message
	for i, w := range want {
		m := alice.next(t)
		seen = append(seen, m)
		var data contract.ProjectEvent
		if err := json.Unmarshal(m.Data, &data); err != nil || m.Type != w.typ || m.ProjectID != w.id || m.DeploymentID != "" ||
			data.ProjectID != w.id || data.Name != w.name || data.UserID != "alice" {
			t.Errorf("message %d: got %s %s %s, want %+v", i, m.Type, m.ProjectID, m.Data, w)
		}
		if strings.Contains(string(m.Data), "nodes") {
			t.Errorf("message %d has the graph: %s", i, m.Data)
		}
	}
	if m := bob.next(t); m.Type != contract.ProjectCreated || m.ProjectID != his.ID {
		t.Errorf("bob got %+v", m)
	}

	// One that comes back after the first message: of a project that is gone it gets
	// that it is.
	again := r.dial(t, "alice", seen[0].At.Format("2006-01-02T15:04:05.999999999Z07:00"))
	for _, w := range []live.Message{seen[2], seen[3]} {
		if m := again.next(t); m.Type != w.Type || m.ProjectID != w.ProjectID || !m.At.Equal(w.At) {
			t.Errorf("replay: got %+v, want %+v", m, w)
		}
	}
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	third := r.create("alice", "Third")
	for _, s := range []*socket{alice, again} {
		if m := s.next(t); m.Type != contract.ProjectCreated || m.ProjectID != third.ID {
			t.Errorf("after a rebuild: got %+v, want the third project's creation", m)
		}
	}
}
