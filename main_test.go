package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
	"axion/web/stacktest/layers"
)

func TestMain(m *testing.M) {
	// The local authority of the tests is not that of the user.
	dir, err := os.MkdirTemp("", "axion-test-")
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("XDG_CONFIG_HOME", dir); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// start runs a stack in this process on free ports, and on Apache Kafka and
// PostgreSQL in [TestCluster]. The test fails when it does not end cleanly.
func start(t testing.TB, args ...string) *stacktest.Stack {
	t.Helper()
	args = slices.Concat([]string{"up", "--ports", "auto", "--json"}, clustertest.Flags(t), args)
	if !slices.Contains(args, "--data") {
		args = append(args, "--ephemeral")
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	stderr, ended := &stacktest.Log{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, args, in, stderr)
		_ = in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the stack ended with %d", code)
		}
		if t.Failed() {
			t.Logf("stderr:\n%s", stderr)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no stack: %v\n%s", err, stderr)
	}
	return stacktest.Connect(t, line)
}

// TestMainFlow follows one project from the client's POST to its answering site,
// through public surfaces only.
func TestMainFlow(t *testing.T) {
	t.Parallel()
	s := start(t)
	projects := s.URL(contract.GraphHost, "/api/projects")
	s.Get(t, projects).Decode(t, http.StatusUnauthorized, nil)

	root := s.WebSocket(t, "/?token="+s.Token)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "Tea & Biscuits", "")
	created := ws.Next(t)
	end, types := ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	types = append([]string{created.Type}, types...)
	want := []string{contract.ProjectCreated, contract.DeploymentStarted, contract.DeploymentProgress, contract.DeploymentProgress,
		contract.DeploymentSucceeded}
	if !slices.Equal(types, want) {
		t.Errorf("events: got %v, want %v", types, want)
	}
	root.ReadUntil(t, p.ID, contract.DeploymentSucceeded)

	site := s.URL(p.Slug+"."+contract.AppsDomain, "")
	if !strings.Contains(string(end.Data), site) {
		t.Errorf("data of the last event: got %s, want the url %s", end.Data, site)
	}
	if page := s.Get(t, site+"/"); page.Status != 200 || !strings.Contains(string(page.Body), "Tea &amp; Biscuits") {
		t.Errorf("site: got %d %s", page.Status, page.Body)
	}
	var list struct {
		Items []struct{ Status, URL string }
	}
	s.Do(t, http.MethodGet, projects+"/"+p.ID+"/deployments", s.Token, nil).Decode(t, http.StatusOK, &list)
	if len(list.Items) != 1 || list.Items[0].Status != "SUCCEEDED" || list.Items[0].URL != site {
		t.Errorf("deployments: got %+v", list.Items)
	}
	// The same API by label middlewares, over plain HTTP too.
	for _, base := range []string{s.HTTPS, s.HTTP} {
		s.Do(t, http.MethodGet, base+"/api/graph/projects", s.Token, nil).Decode(t, http.StatusOK, nil)
	}
	// A client that comes back gets what it missed.
	again := s.WebSocket(t, "/ws?token="+s.Token+"&after="+created.At.Format(time.RFC3339Nano))
	if _, types := again.ReadUntil(t, p.ID, contract.DeploymentSucceeded); !slices.Equal(types, want[1:]) {
		t.Errorf("replay: got %v, want %v", types, want[1:])
	}
	// What was deployed goes when its project does.
	s.Do(t, http.MethodDelete, projects+"/"+p.ID, s.Token, nil).Decode(t, http.StatusNoContent, nil)
	ws.ReadUntil(t, p.ID, contract.ProjectDeleted)
	stacktest.Eventually(t, "the site to go", func() bool { return s.Get(t, site+"/").Status == http.StatusNotFound })
}

// TestBrokers runs the stack on a Kafka cluster that is not its own.
func TestBrokers(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.DefaultNumPartitions(4))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s := start(t, "--brokers", strings.Join(cluster.ListenAddrs(), ","))
	if want := strings.Join(cluster.ListenAddrs(), ","); s.Summary.Kafka != want {
		t.Errorf("kafka: got %s, want the cluster's %s", s.Summary.Kafka, want)
	}
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	ws.ReadUntil(t, s.Create(t, "", "elsewhere", "").ID, contract.DeploymentSucceeded)
	var system struct {
		Parts []struct{ Name, State, Address string }
	}
	s.Get(t, s.Summary.Dashboard+"/api/system").Decode(t, http.StatusOK, &system)
	if part := system.Parts[0]; part.Name != "broker" || part.State != "healthy" || part.Address != s.Summary.Kafka {
		t.Errorf("the dashboard's broker: got %+v", part)
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"up", "--ephemeral", "--ports", "auto", "--brokers", "x:1", "--kafka", "localhost:0"}, io.Discard,
		&stderr); code != 1 ||
		!strings.Contains(stderr.String(), "--kafka") {
		t.Errorf("--kafka beside --brokers: got %d and %s", code, stderr.String())
	}
}

// TestCluster runs the flow's tests on Apache Kafka and PostgreSQL too.
func TestCluster(t *testing.T) {
	clustertest.RerunOnCluster(t, "^Test(MainFlow|Messages|UnknownTemplate|Neighbours|Owner|Poison)$", 1)
}

// TestScale runs several instances behind the balancer: each WebSocket is sent
// every project, whichever instances of graph it and the events are at.
func TestScale(t *testing.T) {
	t.Parallel()
	s := start(t, "--scale", contract.Graph+"=2", "--scale", contract.Deployment+"=2,"+contract.Codegen+"=2")
	const projects = 6
	var sockets []*stacktest.Socket
	for range 4 {
		sockets = append(sockets, s.WebSocket(t, "/ws?token="+s.Token))
	}
	ids := map[string]bool{}
	for i := range projects {
		ids[s.Create(t, "", fmt.Sprint("many ", i), "").ID] = true
	}
	for i, ws := range sockets {
		ended := map[string]int{}
		for len(ended) < projects {
			if m := ws.Next(t); m.Type == contract.DeploymentSucceeded {
				ended[m.ProjectID]++
			} else if m.Type == contract.DeploymentFailed {
				t.Fatalf("socket %d: %s failed: %s", i, m.ProjectID, m.Data)
			}
		}
		for id, n := range ended {
			if n != 1 || !ids[id] {
				t.Errorf("socket %d: %s ended %d times", i, id, n)
			}
		}
	}
}

// TestMessages reads the flow off the broker as any Kafka client does.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := start(t)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "wire", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	created := s.Record(t, contract.Topic(contract.Deployment), contract.ProjectCreated)
	if string(created.Key) != p.ID {
		t.Errorf("key: got %q, want the project id %s", created.Key, p.ID)
	}
	for _, name := range []string{"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type", "traceparent"} {
		if stacktest.Header(created, name) == "" {
			t.Errorf("header %s is missing", name)
		}
	}
	asked := s.Record(t, contract.Topic(contract.Codegen), contract.GenerateCode)
	if trace := stacktest.Header(created, "traceparent"); trace[:35] != stacktest.Header(asked, "traceparent")[:35] {
		t.Errorf("the request is not in the trace of the event that caused it")
	}
}

// TestUnknownTemplate: the deployment fails with the reason, and the client sees
// it.
func TestUnknownTemplate(t *testing.T) {
	t.Parallel()
	s := start(t)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "odd", "no-such-template")
	end, _ := ws.ReadUntil(t, p.ID, contract.DeploymentFailed)
	if !strings.Contains(string(end.Data), "no-such-template") || !strings.Contains(string(end.Data), contract.DefaultTemplate) {
		t.Errorf("data: got %s, want the reason", end.Data)
	}
}

// TestNeighbours: the routes of two projects whose names run into each other stay
// apart.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	s := start(t)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	for _, name := range []string{"foo", "foo web", "foo https"} {
		p := s.Create(t, "", name, "")
		ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
		if page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); !strings.Contains(string(page.Body), "<h1>"+name+"</h1>") {
			t.Errorf("%s: got %d %s", name, page.Status, page.Body)
		}
	}
}

// TestOwner: a token of somebody else opens nothing, and a made-up one less.
func TestOwner(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.Create(t, "", "mine", "")
	var other struct{ Token string }
	s.Do(t, http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-up/email"), "",
		map[string]string{"name": "Eve", "email": "eve@example.com", "password": "long enough"}).Decode(t, http.StatusOK, &other)
	one := s.URL(contract.GraphHost, "/api/projects/"+p.ID)
	s.Do(t, http.MethodGet, one, other.Token, nil).Decode(t, http.StatusNotFound, nil)
	s.Do(t, http.MethodDelete, one, other.Token, nil).Decode(t, http.StatusNotFound, nil)
	s.Do(t, http.MethodGet, one, "made.up.token", nil).Decode(t, http.StatusUnauthorized, nil)
	s.Do(t, http.MethodGet, one, "made-up", nil).Decode(t, http.StatusUnauthorized, nil)
}

// TestPoison: a message that nobody can process goes to the dead letters with
// its coordinates, garbage on the port harms nobody, and the flow goes on.
func TestPoison(t *testing.T) {
	t.Parallel()
	s := start(t)
	topic := contract.Topic(contract.Deployment)
	sent := s.Kafka(t).ProduceSync(t.Context(), &kgo.Record{
		Topic: topic, Key: []byte("k"), Value: []byte("{not json"),
		Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte(contract.ProjectCreated)}, {Key: "ce_id", Value: []byte("poison")}},
	})
	if err := sent.FirstErr(); err != nil {
		t.Fatal(err)
	}
	dead := s.Record(t, contract.DeadLetterTopic(contract.Deployment), contract.ProjectCreated)
	if string(dead.Value) != "{not json" || string(dead.Key) != "k" || stacktest.Header(dead, "ce_id") != "poison" {
		t.Errorf("dead letter: got %q %q %v", dead.Key, dead.Value, dead.Headers)
	}
	for _, garbage := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00",
		"\x00\x00\x00\x08\x7f\xff\x00\x00\x00\x00\x00\x00"} {
		conn, err := net.Dial("tcp", s.Summary.Kafka)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(garbage))
		_ = conn.SetReadDeadline(time.Now().Add(stacktest.Timeout))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("garbage %q was answered", garbage)
		}
		_ = conn.Close()
	}
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	ws.ReadUntil(t, s.Create(t, "", "after", "").ID, contract.DeploymentSucceeded)
}

// TestImports enforces the layers of the design on the import graph: what no rule allows
// is refused.
func TestImports(t *testing.T) {
	t.Parallel()
	all, err := layers.Load(".")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, packages := range all {
		for _, one := range layers.Check("axion", packages, layers.Rules, layers.Libraries) {
			found[one] = true
		}
	}
	for _, one := range slices.Sorted(maps.Keys(found)) {
		t.Error(one)
	}
}

// TestLayout holds the repository to the design: a fixed top level, one wiring
// place that stays small, and every package documented.
func TestLayout(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.Fields("LICENSE README.md broker embed gateway go.mod go.sum main.go main_test.go services web")
	for _, e := range entries {
		if built := strings.HasPrefix(e.Name(), "axion"); !strings.HasPrefix(e.Name(), ".") && !built && !slices.Contains(fixed, e.Name()) {
			t.Errorf("%s is at the top level, where only %v may be", e.Name(), fixed)
		}
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > 400 {
		t.Errorf("main.go has %d lines, which is more than 400: a part should bring what it needs", n)
	}
	undocumented, err := exec.Command("go", "list", "-f", `{{if not .Doc}}{{.ImportPath}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.TrimSpace(string(undocumented)); text != "" {
		t.Errorf("packages without a doc comment:\n%s", text)
	}
}
