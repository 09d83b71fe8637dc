package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host/hosttest"
)

// event publishes a DEPLOYMENT_* event with an id of its own.
func event(k *hosttest.Kafka, typ, project, deployment, id, more string) {
	k.Event(graphTopic, project, typ, id, fmt.Sprintf(`{"projectId":%q,"deploymentId":%q%s}`, project, deployment, more))
}

func TestReceive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	// Each case ends with an event of its own, which the socket waits for.
	for _, tt := range []struct {
		name   string
		send   func(p, d string)
		status string
		url    string
		err    string
		sent   int // how many messages clients get
	}{
		{"Started", func(p, d string) { event(kafka, "DEPLOYMENT_STARTED", p, d, d+"1", "") }, "STARTED", "", "", 1},
		{"Progress", func(p, d string) {
			event(kafka, "DEPLOYMENT_STARTED", p, d, d+"1", "")
			event(kafka, "DEPLOYMENT_PROGRESS", p, d, d+"2", `,"step":"codegen"`)
		}, "STARTED", "", "", 2},
		{"Succeeded", func(p, d string) {
			event(kafka, "DEPLOYMENT_STARTED", p, d, d+"1", "")
			event(kafka, "DEPLOYMENT_SUCCEEDED", p, d, d+"2", `,"url":"https://a.test"`)
		}, "SUCCEEDED", "https://a.test", "", 2},
		{"Failed", func(p, d string) {
			event(kafka, "DEPLOYMENT_FAILED", p, d, d+"1", `,"error":"no luck"`)
		}, "FAILED", "", "no luck", 1},
		{"Cancelled", func(p, d string) {
			event(kafka, "DEPLOYMENT_CANCELLED", p, d, d+"1", "")
			event(kafka, "DEPLOYMENT_PROGRESS", p, d, d+"2", "")
			event(kafka, "DEPLOYMENT_SUCCEEDED", p, d, d+"3", `,"url":"https://a.test"`)
		}, "CANCELLED", "", "", 3},
		{"Duplicate", func(p, d string) {
			event(kafka, "DEPLOYMENT_STARTED", p, d, d+"1", "")
			event(kafka, "DEPLOYMENT_STARTED", p, d, d+"1", "")
			event(kafka, "DEPLOYMENT_SUCCEEDED", p, d, d+"2", `,"url":"https://a.test"`)
			event(kafka, "DEPLOYMENT_SUCCEEDED", p, d, d+"2", `,"url":"https://a.test"`)
		}, "SUCCEEDED", "https://a.test", "", 2},
		{"Late", func(p, d string) {
			event(kafka, "DEPLOYMENT_FAILED", p, d, d+"1", `,"error":"no luck"`)
			event(kafka, "DEPLOYMENT_STARTED", p, d, d+"2", "")
			event(kafka, "DEPLOYMENT_SUCCEEDED", p, d, d+"3", `,"url":"https://a.test"`)
		}, "FAILED", "", "no luck", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := r.create("alice", tt.name)
			asked := r.deployments("alice", p.ID)[0]
			s := r.dial(t, "alice", "")
			tt.send(p.ID, asked.ID)
			event(kafka, "DEPLOYMENT_STARTED", p.ID, "end-"+p.ID, "end-"+p.ID, "")
			if sent := s.until(t, "end-"+p.ID); len(sent) != tt.sent+1 {
				t.Errorf("sent: got %+v, want %d messages and the end", sent, tt.sent)
			}
			all := r.deployments("alice", p.ID)
			i := slices.IndexFunc(all, func(d readmodel.Deployment) bool { return d.ID == asked.ID })
			if len(all) != 2 || i < 0 {
				t.Fatalf("got %+v, want the one deployment and the end's", all)
			}
			d := all[i]
			if d.Status != tt.status || d.URL != tt.url || d.Error != tt.err {
				t.Errorf("got %+v, want %s %q %q", d, tt.status, tt.url, tt.err)
			}
			if !d.CreatedAt.Equal(asked.CreatedAt) || !d.UpdatedAt.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
				t.Errorf("created %v, updated %v; want the request's and the event's time", d.CreatedAt, d.UpdatedAt)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	p := r.create("alice", "Good")
	s := r.dial(t, "alice", "")
	// All under the project's key, so that what is bad comes before what is good.
	ids := `{"projectId":"` + p.ID + `","deploymentId":"d0"`
	var want []string
	for _, tt := range []struct{ id, typ, data string }{
		{"garbage", contract.DeploymentStarted, "\x00\xff{"},
		{"list", contract.DeploymentStarted, `[1]`},
		{"no-id", contract.DeploymentStarted, `{"projectId":"` + p.ID + `"}`},
		{"no-project", contract.DeploymentCancelled, `{"deploymentId":"d0"}`},
		{"nothing", contract.DeploymentCancelled, ``},
		{"number", contract.DeploymentCancelled, `{"projectId":5,"deploymentId":"d0"}`},
		{"url", contract.DeploymentSucceeded, ids + `,"url":{}}`},
		{"nul", contract.DeploymentFailed, ids + `,"error":"a\u0000b"}`},
		{"long", contract.DeploymentStarted, `{"projectId":"` + p.ID + `","deploymentId":"` + strings.Repeat("d", 65) + `"}`},
		{"large-once-valid", contract.DeploymentFailed, ids + `,"error":"` + strings.Repeat("\xffx", 300_000) + `"}`},
		{"type", "NEVER_HEARD_OF", `{}`},
		{"own-type", contract.ProjectUpdated, ids + `}`},
	} {
		kafka.Event(graphTopic, p.ID, tt.typ, tt.id, tt.data)
		want = append(want, tt.id)
	}
	for _, at := range []string{"0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"} {
		kafka.Send(graphTopic, p.ID, ids+`}`, "ce_id", at, "ce_type", contract.DeploymentStarted, "ce_time", at)
		want = append(want, at)
	}
	kafka.Event(graphTopic, p.ID, contract.DeploymentStarted, "stranger", `{"projectId":"nobody","deploymentId":"d0"}`)
	event(kafka, contract.DeploymentStarted, p.ID, "d1", "good", "")
	if got := s.next(t); got.DeploymentID != "d1" {
		t.Errorf("got %+v first, want the good one", got)
	}
	dead := hosttest.Dial(t, r.cluster, contract.DeadLetterTopic(contract.Graph))
	var got []string
	for range want {
		h := hosttest.Headers(dead.Next())
		got = append(got, h["ce_id"])
		if h["dlq_error"] == "" || h["dlq_topic"] != graphTopic || h["dlq_attempts"] == "5" {
			t.Errorf("dead letter lacks its error or its place, or was tried again: %v", h)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("dead letters: got %q, want %q", got, want)
	}
	// Another project's deployment is not this event's to change.
	q := r.create("alice", "Other")
	event(kafka, contract.DeploymentFailed, q.ID, "d1", "foreign", `,"error":"x"`)
	s.until(t, "d1")
	for _, d := range r.deployments("alice", p.ID) {
		if d.ID == "d1" && d.Status != "STARTED" {
			t.Errorf("changed by another project's event: %+v", d)
		}
	}
	// A project that is gone leaves nothing behind.
	r.do("alice", "DELETE", projects+"/"+p.ID, "")
	event(kafka, contract.DeploymentSucceeded, p.ID, "d1", "late", "")
	event(kafka, contract.DeploymentStarted, q.ID, "d2", "after", "")
	s.until(t, "d2")
	var rows int
	if err := r.DB.QueryRow(`SELECT count(*) FROM (SELECT project_id FROM deployments UNION ALL SELECT project_id FROM events WHERE type = 'DEPLOYMENT_SUCCEEDED') AS left_behind
		WHERE project_id IN ($1, 'nobody')`, p.ID).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows of deleted and unknown projects (%v)", rows, err)
	}
}

// TestReceiveForeignKey has a sender that does not use the project id as the key.
func TestReceiveForeignKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka, s := r.events(), r.dial(t, "alice", "")
	p := r.create("alice", "Site")
	for i, key := range []string{"", "no project", "\x00\xff"} {
		id := fmt.Sprint("d", i)
		kafka.Event(graphTopic, key, contract.DeploymentStarted, id, `{"projectId":"`+p.ID+`","deploymentId":"`+id+`"}`)
		s.until(t, id)
	}
	if n := len(r.deployments("alice", p.ID)); n != 4 {
		t.Errorf("got %d deployments, want 4", n)
	}
	kept := hosttest.Dial(t, r.cluster, history)
	for range 4 {
		if key := string(kept.Next().Key); key != p.ID {
			t.Errorf("history: got key %q, want the project's id", key)
		}
	}
}

// TestReceiveClock has the clock of deployment go back: what counts is the order
// in which events come, and times are sent as they were given.
func TestReceiveClock(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Site")
	kafka, s := r.events(), r.dial(t, "alice", "")
	d := r.deployments("alice", p.ID)[0]
	send := func(typ, at string) {
		kafka.Send(graphTopic, p.ID, `{"projectId":"`+p.ID+`","deploymentId":"`+d.ID+`"}`,
			"ce_id", typ, "ce_type", typ, "ce_time", at, "content-type", "application/json")
	}
	send(contract.DeploymentStarted, "2030-01-01T00:00:00Z")
	send(contract.DeploymentSucceeded, "2001-01-01T00:00:00+02:00")
	last := s.next(t).At
	if m := s.next(t); m.Type != contract.DeploymentSucceeded || !m.At.After(last) {
		t.Errorf("got %+v after %v", m, last)
	}
	got := r.deployments("alice", p.ID)[0]
	if got.Status != contract.StatusSucceeded || !got.UpdatedAt.Equal(time.Date(2000, 12, 31, 22, 0, 0, 0, time.UTC)) ||
		!got.CreatedAt.Equal(d.CreatedAt) {
		t.Errorf("got %+v", got)
	}
	var types []string
	for _, e := range r.history("alice", p.ID) {
		types = append(types, e.Type)
	}
	if want := []string{contract.ProjectCreated, contract.DeploymentStarted, contract.DeploymentSucceeded}; !slices.Equal(types, want) {
		t.Errorf("events: got %q, want %q", types, want)
	}
}
