package stacktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// script breaks things as a shell does: by the API, with the token of a session.
type script struct {
	*stacktest.Stack
	token string
}

func newScript(t *testing.T, s *stacktest.Stack) script {
	t.Helper()
	var session struct{ Token string }
	s.Get(t, s.Dashboard+"/api/session").Decode(t, http.StatusOK, &session)
	return script{s, session.Token}
}

func (s script) send(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.Dashboard+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Axion-Token", s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer bytes.Buffer
	_, _ = answer.ReadFrom(res.Body)
	return res.StatusCode, answer.Bytes()
}

// breaks has a fault be on, and returns its id.
func (s script) breaks(t *testing.T, order map[string]any) string {
	t.Helper()
	status, body := s.send(t, http.MethodPost, "/api/faults", order)
	var fault struct{ ID string }
	if err := json.Unmarshal(body, &fault); err != nil || status != http.StatusCreated {
		t.Fatalf("%v: got %d %s", order, status, body)
	}
	return fault.ID
}

// hits is how often a fault that is on has hit.
func (s script) hits(t *testing.T, id string) int {
	t.Helper()
	var list struct {
		Items []struct {
			ID   string
			Hits int
		}
	}
	s.Get(t, s.Dashboard+"/api/faults").Decode(t, http.StatusOK, &list)
	for _, f := range list.Items {
		if f.ID == id {
			return f.Hits
		}
	}
	return 0
}

// TestFaults breaks the stack under a project that is created, in each way that it
// is to survive, and finds that everything happened once.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := newScript(t, stacktest.Launch(t, binary).Stack)
	deployment, graph := contract.Topic(contract.Deployment), contract.Topic(contract.Graph)
	for i, orders := range [][]map[string]any{
		{{"kind": "topic-duplicate", "target": deployment}, {"kind": "topic-duplicate", "target": graph}},
		{{"kind": "topic-delay", "target": deployment, "delayMs": 100}, {"kind": "route-delay", "target": contract.Graph, "delayMs": 100}},
		{{"kind": "topic-error", "target": graph, "percent": 50}},
		{{"kind": "coordinator-lost", "seconds": 2}},
		{{"kind": "broker-restart", "seconds": 1}},
	} {
		t.Run(fmt.Sprint(orders[0]["kind"]), func(t *testing.T) {
			ws := s.WebSocket(t, "/ws?token="+s.Token)
			var ids []string
			for _, order := range orders {
				ids = append(ids, s.breaks(t, order))
			}
			p := s.Create(t, "", fmt.Sprint("Broken ", i), "")
			ended, types := ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
			if n := len(types); n != 5 || slices.Contains(types, contract.DeploymentFailed) {
				t.Errorf("pushed: got %v, want each event once", types)
			}
			if kind := orders[0]["kind"]; kind == "topic-duplicate" || kind == "topic-delay" {
				for j, id := range ids {
					if s.hits(t, id) == 0 {
						t.Errorf("%v hit nothing", orders[j])
					}
				}
			}
			if status, body := s.send(t, http.MethodDelete, "/api/faults", nil); status != http.StatusOK {
				t.Fatalf("end all: got %d %s", status, body)
			}
			var list struct {
				Items []struct{ ID, Status string }
			}
			s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+p.ID+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
			if len(list.Items) != 1 || list.Items[0].Status != "SUCCEEDED" || list.Items[0].ID != ended.DeploymentID {
				t.Errorf("deployments: got %+v, want the one that was sent", list.Items)
			}
			if site := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); site.Status != http.StatusOK {
				t.Errorf("site: got %d", site.Status)
			}
		})
	}
	// What is lost is lost, and what comes after it is not.
	lost := s.breaks(t, map[string]any{"kind": "topic-drop", "target": deployment})
	s.Create(t, "", "Lost", "")
	stacktest.Eventually(t, "the record to be lost", func() bool { return s.hits(t, lost) > 0 })
	s.send(t, http.MethodDelete, "/api/faults/"+lost, nil)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	ws.ReadUntil(t, s.Create(t, "", "Found", "").ID, contract.DeploymentSucceeded)
	// A route that answers with an error does so by name, and no longer.
	id := s.breaks(t, map[string]any{"kind": "route-error", "target": contract.Graph, "status": 418})
	projects := s.URL(contract.GraphHost, "/api/projects")
	if answer := s.Do(t, http.MethodGet, projects, s.Token, nil); answer.Status != 418 || answer.Header.Get("X-Axion-Fault") != "error 418" {
		t.Errorf("a broken route: got %d %v", answer.Status, answer.Header)
	}
	s.send(t, http.MethodDelete, "/api/faults/"+id, nil)
	s.Do(t, http.MethodGet, projects, s.Token, nil).Decode(t, http.StatusOK, nil)
}
