package deployment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/deployment"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	topic      = contract.Topic(contract.Deployment)
	graphTopic = contract.Topic(contract.Graph)
)

// rig is the service, stand-ins for those that it asks, and a reader of what it
// says.
type rig struct {
	*hosttest.Service
	t       *testing.T
	cluster *clustertest.Broker
	dir     string
	opts    deployment.Options
	kafka   *hosttest.Kafka
	heard   map[string]bool // ids of events

	mu    sync.Mutex
	asked []string // what codegen and infrastructure were asked, in order
	hold  func(typ string)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	cluster := hosttest.Cluster(t)
	return &rig{t: t, cluster: cluster, dir: t.TempDir(), kafka: hosttest.Dial(t, cluster, graphTopic), heard: map[string]bool{},
		hold: func(string) {}}
}

// start starts the service, again where it was stopped.
func (r *rig) start() {
	r.t.Helper()
	h, err := deployment.New(r.t.Context(), hosttest.Options(r.t, r.cluster, r.dir), r.opts)
	r.Service = hosttest.Start(r.t, h, err)
}

// startAll starts the service and stand-ins for both that it asks.
func (r *rig) startAll() {
	r.t.Helper()
	r.codegen()
	r.infrastructure()
	r.start()
}

func (r *rig) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, text)
}

// requests returns what was asked since the last call.
func (r *rig) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

func (r *rig) codegen() {
	hosttest.Answer(r.t, r.cluster, contract.Codegen, map[string]bus.Handler{
		contract.GenerateCode: func(_ context.Context, m *bus.Message) (any, error) {
			var req contract.GenerateCodeRequest
			if err := m.Decode(&req); err != nil {
				return nil, err
			}
			r.note(fmt.Sprintf("%s key=%s project=%s template=%s name=%s config=%s", m.Type, m.Key, req.ProjectID, req.Template, req.Name,
				req.Config))
			r.hold(m.Type)
			switch req.Template {
			case "unknown":
				return nil, bus.Permanent(errors.New(`unknown template "unknown"; there are static-site`))
			case "broken":
				return nil, errors.New("a secret of codegen's")
			}
			return contract.GenerateCodeReply{Template: req.Template, Files: []contract.File{{Path: "index.html", Content: req.ProjectID}}}, nil
		},
	})
}

func (r *rig) infrastructure() {
	hosttest.Answer(r.t, r.cluster, contract.Infrastructure, map[string]bus.Handler{
		contract.Provision: func(_ context.Context, m *bus.Message) (any, error) {
			var req contract.ProvisionRequest
			if err := m.Decode(&req); err != nil {
				return nil, err
			}
			r.note(fmt.Sprintf("%s key=%s project=%s deployment=%s slug=%s files=%v", m.Type, m.Key, req.ProjectID, req.DeploymentID, req.Slug,
				req.Files))
			r.hold(m.Type)
			if req.Slug == "taken" {
				return nil, bus.Permanent(errors.New("the name taken.apps.localhost is taken"))
			}
			return contract.ProvisionReply{URL: "https://" + req.Slug + ".test", Address: "http://127.0.0.1:1"}, nil
		},
		contract.Deprovision: func(_ context.Context, m *bus.Message) (any, error) {
			r.note(fmt.Sprintf("%s key=%s %s", m.Type, m.Key, m.Data()))
			return contract.DeprovisionReply{Removed: true}, nil
		},
	})
}

// send publishes an event about a project, with more fields of its data.
func (r *rig) send(typ, id, project, more string) {
	r.t.Helper()
	r.kafka.Event(topic, project, typ, id, fmt.Sprintf(`{"projectId":%q,"userId":"alice"%s}`, project, more))
}

// next reads the next event that graph would heed, as "TYPE {data}". One whose id
// was there before is the same, published again since the service stopped before
// it knew that the broker had it.
func (r *rig) next() string {
	r.t.Helper()
	record := r.kafka.Next()
	h := hosttest.Headers(record)
	for r.heard[h["ce_id"]] {
		record = r.kafka.Next()
		h = hosttest.Headers(record)
	}
	r.heard[h["ce_id"]] = true
	if h["ce_source"] != contract.Deployment || h["ce_specversion"] != "1.0" || h["ce_id"] == "" || h["traceparent"] == "" {
		r.t.Errorf("headers: %v", h)
	}
	if _, err := time.Parse(time.RFC3339Nano, h["ce_time"]); err != nil {
		r.t.Errorf("ce_time: %v", err)
	}
	var e contract.DeploymentEvent
	if err := json.Unmarshal(record.Value, &e); err != nil {
		r.t.Fatal(err)
	}
	if string(record.Key) != e.ProjectID {
		r.t.Errorf("key %q of an event of project %s", record.Key, e.ProjectID)
	}
	return h["ce_type"] + " " + string(record.Value)
}

// want reads as many events as there are lines, and compares them. In a line,
// TYPE stands for "DEPLOYMENT_TYPE", and the data has the ids left out.
func (r *rig) want(project, deployment string, lines ...string) {
	r.t.Helper()
	for _, line := range lines {
		typ, more, _ := strings.Cut(line, " ")
		if more != "" {
			more = "," + more
		}
		want := fmt.Sprintf(`DEPLOYMENT_%s {"projectId":%q,"deploymentId":%q%s}`, typ, project, deployment, more)
		if got := r.next(); got != want {
			r.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// success is all that is logged of a deployment that works out.
func success(slug string) []string {
	return []string{"STARTED", `PROGRESS "step":"codegen"`, `PROGRESS "step":"provision"`, `SUCCEEDED "url":"https://` + slug + `.test"`}
}

// cancelling reports whether a cancellation has been recorded.
func (r *rig) cancelling(id string) (yes bool) {
	r.t.Helper()
	if err := r.DB.QueryRow(`SELECT cancelling FROM deployments WHERE id = $1`, id).Scan(&yes); err != nil {
		r.t.Fatal(err)
	}
	return yes
}

// until polls what nothing signals.
func (r *rig) until(holds func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(hosttest.Deadline); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			r.t.Fatal("waited in vain")
		}
	}
}
