package graph_test

import (
	"testing"

	"go.uber.org/goleak"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/graph"
	"axion/services/graph/readmodel"
	"axion/services/host"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const projects = "/api/projects"

// rig is the service on a broker with a stand-in for auth.
type rig struct {
	*hosttest.Service
	t       *testing.T
	cluster *clustertest.Broker
	dir     string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	r := &rig{t: t, cluster: cluster, dir: t.TempDir()}
	r.start()
	return r
}

// start starts the service, again where it was stopped.
func (r *rig) start() {
	r.t.Helper()
	h, err := graph.New(r.t.Context(), hosttest.Options(r.t, r.cluster, r.dir))
	r.Service = hosttest.Start(r.t, h, err)
}

// do sends a request as a user, "" for nobody.
func (r *rig) do(user, method, path, body string) hosttest.Reply {
	r.t.Helper()
	var header []string
	if user != "" {
		header = append(header, hosttest.As(user))
	}
	return hosttest.Do(r.t, method, r.URL+path, body, header...)
}

// create makes a project that is called name.
func (r *rig) create(user, name string) readmodel.Project {
	r.t.Helper()
	return hosttest.Decode[readmodel.Project](r.t, r.do(user, "POST", projects, `{"name":"`+name+`"}`), 201)
}

// deployments lists a project's.
func (r *rig) deployments(user, id string) []readmodel.Deployment {
	r.t.Helper()
	return hosttest.Decode[host.Page[readmodel.Deployment]](r.t, r.do(user, "GET", projects+"/"+id+"/deployments", ""), 200).Items
}

// events publishes raw DEPLOYMENT_* events, as deployment would.
func (r *rig) events() *hosttest.Kafka { return hosttest.Dial(r.t, r.cluster) }

var graphTopic = contract.Topic(contract.Graph)
