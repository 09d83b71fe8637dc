package stacktest_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"axion/services/contract"
	"axion/web/stacktest"
)

// place is an address of the dashboard, and what it shows once it is there.
type place struct {
	name, path string
	words      []string
}

// lived starts a stack in which something has happened, and gives the pages that
// show it.
func lived(t testing.TB) (*stacktest.Process, []place) {
	t.Helper()
	s := stacktest.Launch(t, binary)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	var last stacktest.Project
	for _, name := range []string{"Tea room", "Weather station", "Bicycle shop"} {
		last = s.Create(t, "", name, "")
		ws.ReadUntil(t, last.ID, contract.DeploymentSucceeded)
	}
	last = architected(t, s)
	ws.ReadUntil(t, last.ID, contract.DeploymentSucceeded)
	project := "/projects/" + last.ID
	s.Get(t, s.HTTP+"/nowhere")
	trace, message := whatHappened(t, s)
	return s, []place{
		{"system", "/", []string{"all healthy", "Map", contract.Graph}},
		{"flow", "/flow", []string{"/api/projects"}},
		{"trace", "/flow/" + trace, []string{"process PROJECT_CREATED", "push DEPLOYMENT_SUCCEEDED"}},
		{"routes", "/routes", []string{"graph.localhost"}},
		{"explain", "/routes/explain?url=" + url.QueryEscape(s.URL(contract.GraphHost, "/api/graph/projects")),
			[]string{"Taken by", "Came second"}},
		{"services", "/services/" + contract.Graph, []string{"1 instance", "graph-service.create-project"}},
		{"logs", "/logs", []string{"From level", "Pause", contract.Graph}},
		{"topics", "/topics", []string{contract.EventsTopic}},
		{"topic", "/topics/" + contract.Topic(contract.Deployment) + "/messages/" + message, []string{"ce_type", contract.ProjectCreated}},
		{"groups", "/topics/~groups/" + contract.Deployment + "-server", []string{"deployment-service-server", "Lag"}},
		{"letters", "/topics/" + contract.DeadLetterTopic(contract.Deployment) + "/letters", []string{"dead letter"}},
		{"faults", "/faults", []string{"Nothing is broken"}},
		{"projects", "/projects", []string{"Weather station"}},
		{"project", project, []string{"Tea shop", "Live at"}},
		{"project-graph", project + "/graph", []string{"6 nodes", "orders"}},
		{"project-version", project + "/graph?version=1", []string{"Version 1", "Compare with"}},
		{"project-files", project + "/files/compose.yaml", []string{"DATABASE_URL"}},
		{"project-deployments", project + "/deployments", []string{"Deploy the same again", "succeeded: "}},
		{"project-history", project + "/history?event=1", []string{"PROJECT_CREATED", "Tea shop"}},
		{"project-new", "/projects/new", []string{"Create project"}},
		{"docs", "/docs", []string{"Getting started", "axion docs"}},
		{"docs-topic", "/docs/bus", []string{"The bus and its messages", "Dead letters"}},
		{"docs-found", "/docs?q=dead+letter", []string{"sections", "The bus and its messages"}},
		{"nowhere", "/nowhere", []string{"There is no page here"}},
	}
}

// whatHappened gives the trace of a project's creation, and where its event is: its
// partition and offset as an address has them.
func whatHappened(t testing.TB, s *stacktest.Process) (trace, message string) {
	t.Helper()
	var traces struct {
		Items []struct {
			TraceID string
			Spans   int
		}
	}
	s.Get(t, s.Dashboard+"/api/traces?text=PROJECT_CREATED").Decode(t, http.StatusOK, &traces)
	var messages struct {
		Items []struct{ Partition, Offset int }
	}
	s.Get(t, s.Dashboard+"/api/topics/"+contract.Topic(contract.Deployment)+"/messages?header=ce_type="+contract.ProjectCreated).Decode(t,
		http.StatusOK, &messages)
	if len(traces.Items) == 0 || len(messages.Items) == 0 {
		t.Fatalf("got %d traces and %d messages of a created project", len(traces.Items), len(messages.Items))
	}
	return traces.Items[0].TraceID, fmt.Sprintf("%d/%d", messages.Items[0].Partition, messages.Items[0].Offset)
}

// architected creates a project that has a graph.
func architected(t testing.TB, s *stacktest.Process) (p stacktest.Project) {
	t.Helper()
	graph := contract.Architecture{
		Nodes: []contract.Node{
			{ID: "gate", Type: contract.NodeIngress}, {ID: "shop", Type: contract.NodeService},
			{ID: "orders", Type: contract.NodeService, Language: "go"},
			{ID: "placed", Type: contract.NodeQueue}, {ID: "stock", Type: contract.NodeLogic}, {ID: "db", Type: contract.NodeDatabase},
		},
		Edges: []contract.Edge{
			{ID: "1", From: "gate", To: "shop", Type: contract.EdgeHTTP}, {ID: "2", From: "shop", To: "orders", Type: contract.EdgeGRPC},
			{ID: "3", From: "orders", To: "db", Type: contract.EdgeDatabase}, {ID: "4", From: "orders", To: "placed", Type: contract.EdgeKafka},
			{ID: "5", From: "placed", To: "stock", Type: contract.EdgeKafka},
		},
	}
	s.Do(t, http.MethodPost, s.URL(contract.GraphHost, "/api/projects"), s.Token,
		map[string]any{"name": "Tea shop", "graph": graph}).Decode(t, http.StatusCreated, &p)
	return p
}

// maxTransfer is what opening any one page may take, in bytes.
const maxTransfer = 150_000

// TestPages opens every page of a stack in which something has happened, large and
// small, light and dark: nothing is wrong in the console, nothing sticks out,
// axe-core finds nothing serious, and no request leaves the machine.
func TestPages(t *testing.T) {
	t.Parallel()
	stacktest.NeedNode(t)
	b := stacktest.OpenTab(t)
	s, places := lived(t)
	outside := b.ExternalRequests()
	for _, size := range []int64{1440, 390} {
		b.DisableCache(size == 1440) // once is enough to weigh them
		for _, p := range places {
			b.Show(size, 900, stacktest.Light)
			b.Open(s.Dashboard + p.path)
			for _, theme := range []string{stacktest.Light, stacktest.Dark} {
				b.Show(size, 900, theme)
				b.Await(p.words...)
				where := p.path + " " + theme
				b.AssertNoOverflow(where, size)
				b.Accessible(where)
			}
			if size > 1024 {
				for _, narrower := range []int64{1024, 720} {
					b.Show(narrower, 900, stacktest.Light)
					b.Await(p.words...)
					b.AssertNoOverflow(p.path, narrower)
				}
			}
			if got := b.Transferred(); got > maxTransfer {
				t.Errorf("%s: got %d bytes transferred, want %d at most", p.path, got, maxTransfer)
			}
		}
	}
	if urls := outside(); len(urls) > 0 {
		t.Errorf("requests left the machine: %s", strings.Join(urls, ", "))
	}
	b.AssertNoConsoleErrors()
}

// pictures are the places that the README shows.
var pictures = []string{"system", "trace", "topic", "explain", "project-graph"}

var screenshots = flag.String("screenshots", "", "write the README's pictures into this `folder`")

// TestScreenshots takes the README's pictures.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("takes pictures where -screenshots names a folder for them")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b := stacktest.OpenTab(t)
	s, places := lived(t)
	for _, theme := range []string{stacktest.Light, stacktest.Dark} {
		b.Show(1440, 900, theme)
		for _, p := range places {
			if !slices.Contains(pictures, p.name) {
				continue
			}
			b.Open(s.Dashboard + p.path)
			b.Await(p.words...)
			if p.name == "system" {
				b.AwaitTrue("(place) => document.querySelector(place) !== null", ".map-node")
			}
			b.Screenshot(filepath.Join(*screenshots, p.name+"-"+theme+".webp"))
		}
	}
}

// BenchmarkPage opens the dashboard anew, with nothing kept from before, and
// reports how long it is until something is painted, and what was transferred.
func BenchmarkPage(b *testing.B) {
	s := stacktest.Launch(b, binary)
	var paints []time.Duration
	var bytes int
	for b.Loop() {
		b.StopTimer()
		tab := stacktest.OpenTab(b)
		tab.Open("about:blank")
		b.StartTimer()
		tab.Open(s.Dashboard)
		tab.Await("all healthy")
		b.StopTimer()
		paint, err := chromedp.Run(tab.Context, chromedp.Evaluate[float64](
			`new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()[0].startTime)).observe({type: "paint", buffered: true}))`, chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatal(err)
		}
		bytes = tab.Transferred()
		paints = append(paints, time.Duration(paint*float64(time.Millisecond)))
		tab.Close()
		b.StartTimer()
	}
	report(b, "first-paint", paints)
	b.ReportMetric(float64(bytes)/1000, "transfer-kB")
}
