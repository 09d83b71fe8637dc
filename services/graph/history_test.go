package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// history reads all of a project's events, page by page.
func (r *rig) history(user, id string) (events []readmodel.Event) {
	r.t.Helper()
	for next := ""; ; {
		page := hosttest.Decode[host.Page[readmodel.Event]](r.t, r.do(user, "GET", projects+"/"+id+"/events?limit=2&after="+next, ""), 200)
		events = append(events, page.Items...)
		if next = page.Next; next == "" {
			return events
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka, s := r.events(), r.dial(t, "alice", "")
	p := r.create("alice", "Site")
	path := projects + "/" + p.ID
	r.do("alice", "PATCH", path, `{"name":"Other"}`)
	r.put("alice", p.ID, `"0"`, small)
	r.do("alice", "POST", path+"/deployments", "")
	event(kafka, contract.DeploymentCancelled, p.ID, "d1", "cancelled", "")
	event(kafka, contract.DeploymentCancelled, p.ID, "d1", "cancelled", "")
	event(kafka, contract.DeploymentProgress, p.ID, "d2", "progress", `,"step":"codegen"`)
	sent := s.until(t, "d2")
	types := func(i, n int, typ func(i int) string) (out []string) {
		for ; i < n; i++ {
			out = append(out, typ(i))
		}
		return out
	}
	want := []string{
		contract.ProjectCreated, contract.ProjectUpdated, contract.GraphChanged, contract.DeploymentCancelled, contract.DeploymentProgress,
	}
	if got := types(0, len(sent), func(i int) string { return sent[i].Type }); !slices.Equal(got, want) {
		t.Errorf("sent: got %q, want %q", got, want)
	}
	var data contract.ProjectEvent
	if err := json.Unmarshal(sent[1].Data, &data); err != nil || data.Name != "Other" || sent[1].ProjectID != p.ID {
		t.Errorf("sent: %+v (%v), want the project as it is now", sent[1], err)
	}
	r.do("alice", "DELETE", path, "")
	events := r.history("alice", p.ID)
	want = []string{
		contract.ProjectCreated, contract.ProjectUpdated, contract.GraphChanged, contract.DeploymentRequested,
		contract.DeploymentCancelled, contract.DeploymentProgress, contract.ProjectDeleted,
	}
	if got := types(0, len(events), func(i int) string { return events[i].Type }); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i, e := range events {
		if e.Sequence != int64(i+1) || e.ProjectID != p.ID || e.ID == "" || e.Time.IsZero() {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	t.Run("OK/topic", func(t *testing.T) {
		kafka := hosttest.Dial(t, r.cluster, history)
		for _, e := range events {
			record := kafka.Next()
			h := hosttest.Headers(record)
			if string(record.Key) != p.ID || h["ce_id"] != e.ID || h["ce_type"] != e.Type || string(record.Value) != string(e.Data) {
				t.Errorf("got %s of %s: %s, want %+v", h["ce_type"], record.Key, record.Value, e)
			}
		}
	})
	t.Run("OK/sameID", func(t *testing.T) {
		kafka := hosttest.Dial(t, r.cluster, contract.Topic(contract.Deployment))
		for _, i := range []int{0, 3, 6} {
			if h := hosttest.Headers(kafka.Next()); h["ce_id"] != events[i].ID || h["ce_type"] != events[i].Type {
				t.Errorf("got %s %s, want %+v", h["ce_type"], h["ce_id"], events[i])
			}
		}
	})
	t.Run("Err", func(t *testing.T) {
		hosttest.WantProblem(t, r.do("bob", "GET", path+"/events", ""), 404)
		hosttest.WantProblem(t, r.do("", "GET", path+"/events", ""), 401)
		hosttest.WantProblem(t, r.do("alice", "GET", projects+"/nobody/events", ""), 404)
		hosttest.WantProblem(t, r.do("alice", "GET", path+"/events?after=x", ""), 422, "after")
		hosttest.WantProblem(t, r.do("alice", "GET", path+"/events?limit=101", ""), 422, "limit")
	})
}

// TestOpenAPI looks for every operation.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	document := hosttest.Decode[struct {
		Paths map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct{ Content map[string]any }
		}
	}](t, r.do("", "GET", "/openapi.json", ""), 200)
	const one = projects + "/{id}"
	for path, methods := range map[string][]string{
		projects: {"get", "post"}, one: {"get", "patch", "delete"}, one + "/deployments": {"get", "post"},
		one + "/events": {"get"}, one + "/code": {"get"}, one + "/graph": {"get", "put"}, one + "/graph/versions": {"get"},
		one + "/graph/versions/{version}": {"get"}, one + "/graph/revert": {"post"},
	} {
		for _, method := range methods {
			if document.Paths[path][method].OperationID == "" {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	for _, status := range []string{"200", "404", "412", "422", "428"} {
		if _, ok := document.Paths[one+"/graph"]["put"].Responses[status]; !ok {
			t.Errorf("PUT graph: %s is not described", status)
		}
	}
	if content := document.Paths[one+"/code"]["get"].Responses["200"].Content; content["application/zip"] == nil {
		t.Errorf("code: got %v, want a zip", fmt.Sprint(content))
	}
}
