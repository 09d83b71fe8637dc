package stacktest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestServe shares the work of graph and deployment between two processes each,
// on one Kafka and one database, and kills one of each midway.
func TestServe(t *testing.T) {
	t.Parallel()
	args := clustertest.Flags(t)
	if args == nil {
		args = []string{"--database", clustertest.NewDatabase(t, clustertest.StartPostgres(t))}
	}
	s := stacktest.Launch(t, binary, append(args, "--without", contract.Graph, "--without", contract.Deployment)...)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.HTTPS, "https://"), ":")
	flags := []string{"--brokers", s.Summary.Kafka, "--database", args[len(args)-1], "--https-port", port, "--data", t.TempDir()}
	served := stacktest.ServeAll(t, nil, binary, []string{contract.Graph, contract.Graph, contract.Deployment, contract.Deployment}, flags...)
	graphs, deployments := served[:2], served[2:]
	const projects, before = 40, 20
	var accepted []string
	for i := range projects {
		if i == before {
			graphs[0].Kill(t)
			deployments[0].Kill(t)
		}
		at := graphs[1]
		if i < before {
			at = graphs[i%2]
		}
		var p stacktest.Project
		s.Do(t, http.MethodPost, at.URL+"/api/projects", s.Token, map[string]string{"name": fmt.Sprint("many ", i)}).Decode(t, http.StatusCreated,
			&p)
		accepted = append(accepted, p.ID)
	}
	for _, id := range accepted {
		stacktest.Eventually(t, "the deployment of "+id, func() bool { return ended(t, s, graphs[1], id) })
	}
	metrics := string(s.Get(t, graphs[1].URL+"/metrics").Body)
	for _, want := range []string{"http_server_request_duration_seconds_count", "messaging_process_duration_seconds_count",
		"axion_outbox_pending", "process_resident_memory_bytes"} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("/metrics of a service alone has no %s", want)
		}
	}
}

// ended reports whether a project's deployment has succeeded, and fails the test
// where an event of it was sent twice, or one is missing.
func ended(t *testing.T, s *stacktest.Process, graph *stacktest.Instance, id string) bool {
	t.Helper()
	var history struct {
		Items []struct {
			Sequence int64
			Type     string
		}
	}
	s.Do(t, http.MethodGet, graph.URL+"/api/projects/"+id+"/events", s.Token, nil).Decode(t, 200, &history)
	seen := map[string]int{}
	for i, e := range history.Items {
		if e.Sequence != int64(i+1) {
			t.Errorf("event %d of %s has sequence %d", i+1, id, e.Sequence)
		}
		seen[e.Type]++
	}
	if seen[contract.DeploymentSucceeded] == 0 {
		return false
	}
	want := map[string]int{contract.ProjectCreated: 1, contract.DeploymentStarted: 1, contract.DeploymentProgress: 2,
		contract.DeploymentSucceeded: 1}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("history of %s: got %v, want %v", id, seen, want)
	}
	return true
}

// TestServeEmpty starts several services at once where there is nothing yet: each makes
// the topics, the schema and the tables that another has not made.
func TestServeEmpty(t *testing.T) {
	t.Parallel()
	database := clustertest.Database(t)
	if database == "" {
		database = clustertest.NewDatabase(t, clustertest.StartPostgres(t))
	}
	brokers := strings.Join(clustertest.NewBroker(t).ListenAddrs(), ",")
	served := stacktest.ServeAll(t, nil, binary,
		[]string{contract.Graph, contract.Graph, contract.Graph, contract.Deployment, contract.Deployment},
		"--brokers", brokers, "--database", database, "--data", t.TempDir())
	for _, i := range served {
		res, err := http.Get(i.URL + "/ready")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s", i.Cmd, res.Status)
		}
	}
}

// TestServeErrors: what is missing or wrong is named.
func TestServeErrors(t *testing.T) {
	t.Parallel()
	const database = "postgres://a@127.0.0.1:1/b"
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"ErrService":  {[]string{"grpah-service"}, "serve grpah-service: there is no such builtin, only auth-service"},
		"ErrNone":     {nil, "accepts 1 arg(s)"},
		"ErrBrokers":  {[]string{contract.Graph}, "--brokers is missing\nhint: name the Kafka cluster"},
		"ErrDatabase": {[]string{contract.Graph, "--brokers", "localhost:1"}, "--database is missing\nhint: name the PostgreSQL database"},
		"ErrPort": {[]string{contract.Graph, "--brokers", "localhost:1", "--database", database, "--https-port", strconv.Itoa(1 << 16)},
			"--https-port 65536: must be from 1 to 65535"},
		"ErrListen": {[]string{contract.Graph, "--brokers", "localhost:1", "--database", database, "--listen", "nowhere"}, "--listen nowhere: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stderr, code := execute(t, t.TempDir(), append([]string{"serve"}, tt.args...)...)
			if code != 1 || !strings.Contains(stderr, tt.want) {
				t.Errorf("got %d and %s, want %q", code, stderr, tt.want)
			}
		})
	}
}

// TestServeFiles: a stack whose data is in files has no database for a second process,
// and the hint says what to change.
func TestServeFiles(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	stacktest.Launch(t, binary, "--data", data, "--without", contract.Codegen)
	_, stderr, code := execute(t, data, "serve", contract.Codegen, "--listen", "127.0.0.1:0", "--data", data)
	const want = "--database is missing\nhint: the running stack keeps its data in files"
	if code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("got %d and %s, want %q", code, stderr, want)
	}
}
