package graph_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"axion/services/contract"
	"axion/services/graph"
	"axion/services/host/hosttest"
)

// event publishes a DEPLOYMENT_* event with an id of its own.
func event(k *hosttest.Kafka, typ, project, deployment, id, more string) {
	k.Event(graphTopic, project, typ, id, fmt.Sprintf(`{"projectId":%q,"deploymentId":%q%s}`, project, deployment, more))
}

func TestProjection(t *testing.T) {
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
		told   int // how many messages clients get
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
			if told := s.until(t, "end-"+p.ID); len(told) != tt.told+1 {
				t.Errorf("told: got %+v, want %d messages and the end", told, tt.told)
			}
			all := r.deployments("alice", p.ID)
			i := slices.IndexFunc(all, func(d graph.Deployment) bool { return d.ID == asked.ID })
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

func TestProjectionRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	p := r.create("alice", "Good")
	s := r.dial(t, "alice", "")
	// All under the project's key, so that what is bad comes before what is good.
	kafka.Event(graphTopic, p.ID, contract.DeploymentStarted, "garbage", "\x00\xff{")
	kafka.Event(graphTopic, p.ID, contract.DeploymentStarted, "list", `[1]`)
	kafka.Event(graphTopic, p.ID, contract.DeploymentStarted, "no-id", `{"projectId":"`+p.ID+`"}`)
	kafka.Event(graphTopic, p.ID, "NEVER_HEARD_OF", "type", `{}`)
	kafka.Event(graphTopic, p.ID, contract.DeploymentStarted, "stranger", `{"projectId":"nobody","deploymentId":"d0"}`)
	event(kafka, contract.DeploymentStarted, p.ID, "d1", "good", "")
	if got := s.next(t); got.DeploymentID != "d1" {
		t.Errorf("got %+v first, want the good one", got)
	}
	dead := hosttest.Dial(t, r.cluster, contract.DeadLetterTopic(contract.Graph))
	var ids []string
	for range 4 {
		h := hosttest.Headers(dead.Next())
		ids = append(ids, h["ce_id"])
		if h["dlq_error"] == "" || h["dlq_topic"] != graphTopic {
			t.Errorf("dead letter lacks its error or its place: %v", h)
		}
	}
	if want := []string{"garbage", "list", "no-id", "type"}; !slices.Equal(ids, want) {
		t.Errorf("dead letters: got %q, want %q", ids, want)
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
	if err := r.DB.QueryRow(`SELECT count(*) FROM deployments WHERE project_id IN (?, 'nobody')`, p.ID).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows of deleted and unknown projects (%v)", rows, err)
	}
}
