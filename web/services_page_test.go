package web

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/danielgtaylor/huma/v2"

	"axion/web/stacktest"
	"axion/web/telemetry"
	"axion/web/view"
)

// fakeProject is a compose file's services as a runner would show them.
type fakeProject struct {
	mu       sync.Mutex
	services []view.Service
	asked    []string // what was asked for: "stop orders"
	refuse   string   // the next action, with this problem
	hold     chan struct{}
}

const evil = `<img src=x onerror="document.title='owned'">`

func newFakeProject() *fakeProject {
	began := time.Now().Add(-3 * time.Minute)
	runs := func(pid int) []view.ServiceInstance { return []view.ServiceInstance{{PID: pid, StartedAt: began}} }
	return &fakeProject{services: []view.Service{
		{Name: "kafka", Provider: "axion", Reason: "its image is a Kafka broker", State: view.ServiceRunning,
			Image: "confluentinc/cp-kafka:7.5.0", Ports: []view.ServicePort{{Port: 9092, Address: "127.0.0.1:9092"}}},
		{Name: "postgres-orders", Provider: "provided", Reason: "PostgreSQL 16 of this machine", State: view.ServiceRunning,
			Image: "postgres:16-alpine", Instances: runs(4711), Ports: []view.ServicePort{{Port: 5432, Address: "127.0.0.1:5433"}},
			Notes: []string{"extension postgis is not there"}},
		{Name: "migrate", Provider: "process", Reason: "x-axion.command", State: view.ServiceCompleted,
			Command: []string{"node", "migrate.js"}},
		{Name: "orders", Provider: "process", Reason: "x-axion.command", State: view.ServiceRunning,
			Command: []string{"node", "--watch", "main.js"}, Instances: runs(4712),
			Ports: []view.ServicePort{{Port: 3000, Address: "127.0.0.1:3000"}}, File: "compose.yaml", Line: 47},
		{Name: "catalog", Provider: "process", Reason: "x-axion.command", State: view.ServiceWaiting, Detail: "waits for kafka to be healthy"},
		{Name: "web", Provider: "yours", Reason: "no command and no image that axion provides", State: view.ServiceWaiting,
			Detail: "web: nothing here runs it; start it on 5173", Hint: "or accept the command that is proposed", Proposal: "npm run dev"},
		{Name: evil, Provider: "process", Reason: evil, State: view.ServiceFailed, Detail: evil, Hint: evil},
	}}
}

func (p *fakeProject) list() []view.Service {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]view.Service, 0, len(p.services))
	for _, s := range p.services {
		s.Instances, s.Ports, s.Rewrites = view.NonNil(s.Instances), view.NonNil(s.Ports), view.NonNil(s.Rewrites)
		all = append(all, s)
	}
	return all
}

// change changes a service, as something that happens to it would.
func (p *fakeProject) change(name string, f func(*view.Service)) (after view.Service) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.services {
		if p.services[i].Name == name {
			f(&p.services[i])
			after = p.services[i]
		}
	}
	after.Instances, after.Ports, after.Rewrites = view.NonNil(after.Instances), view.NonNil(after.Ports), view.NonNil(after.Rewrites)
	return after
}

func (p *fakeProject) register(api huma.API) {
	huma.Post(api, "/api/services/{name}/{verb}", func(_ context.Context, in *struct {
		Name string `path:"name"`
		Verb string `path:"verb"`
	}) (*body[view.Service], error) {
		p.mu.Lock()
		p.asked = append(p.asked, in.Verb+" "+in.Name)
		refuse, hold := p.refuse, p.hold
		p.refuse = ""
		p.mu.Unlock()
		if hold != nil {
			<-hold
		}
		if refuse != "" {
			return nil, huma.Error409Conflict(refuse)
		}
		state := view.ServiceRunning
		if in.Verb == "stop" {
			state = view.ServiceStopped
		}
		return &body[view.Service]{p.change(in.Name, func(s *view.Service) { s.State = state })}, nil
	}, func(o *huma.Operation) { o.Security = []map[string][]string{{"token": {}}} })
	huma.Get(api, "/api/groups", func(context.Context, *struct{}) (*body[map[string]any], error) {
		return &body[map[string]any]{map[string]any{"items": []any{}}}, nil
	})
	huma.Get(api, "/api/services/{name}/environment", func(_ context.Context, in *struct {
		Name   string `path:"name"`
		Reveal bool   `query:"reveal"`
	}) (*body[map[string]any], error) {
		all := []map[string]any{
			{"name": "KAFKA_BROKERS", "value": "localhost:9092", "from": "kafka:9092", "service": "kafka", "source": "file"},
			{"name": "DB_PASSWORD", "value": "", "source": "file", "secret": true},
			{"name": "GREETING", "value": evil, "source": "file"},
			{"name": "OTEL_SERVICE_NAME", "value": in.Name, "source": "axion"},
		}
		if in.Reveal {
			all[1]["value"] = "leaves"
		}
		return &body[map[string]any]{map[string]any{"items": all}}, nil
	})
}

// composed is a dashboard over a fake project.
func composed(t *testing.T) (*stack, *fakeProject, *telemetry.Store, Options) {
	t.Helper()
	return composedAt(t, "127.0.0.1:0")
}

// write adds lines of a service's process.
func write(store *telemetry.Store, service string, lines ...string) {
	for _, text := range lines {
		store.Logs.Add(telemetry.Log{Time: time.Now(), Level: "info", Service: service, Message: text,
			Attributes: map[string]any{"stream": "stdout"}})
	}
}

// TestPageServices lists the compose file's services before the builtins, each with its
// state and who runs it, in two tabs, and follows one that crashes.
func TestPageServices(t *testing.T) {
	t.Parallel()
	s, p, store, o := composed(t)
	s.start(t, o)
	b, second := stacktest.OpenTab(t), stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/services")
	second.Open("http://" + s.address + "/services/orders")
	b.Await("Yours", "Built in", "postgres-orders", "Running", "axion itself", "provided", "Completed",
		"waits for kafka to be healthy", "graph-service")
	if text := b.Text("main"); strings.Index(text, "orders") > strings.Index(text, "graph-service") {
		t.Errorf("got the builtins first: %s", text)
	}
	second.Await("x-axion.command", "node --watch main.js", "compose.yaml:47", "127.0.0.1:3000", "4712")
	write(store, "orders", "listening", "\x1b[31mTypeError\x1b[0m: no beans")
	p.change("orders", func(s *view.Service) {
		s.State, s.Detail, s.Hint = view.ServiceFailed, "it ended with status 3", "see its last lines"
		s.Instances = []view.ServiceInstance{{ExitCode: 3, Restarts: 2}}
		s.Events = []view.ServiceEvent{{At: time.Now(), Kind: view.ServiceEventFailed, Detail: "it ended with status 3"}}
	})
	b.Await("it ended with status 3")
	second.Await("It does not run", "it ended with status 3", "see its last lines", "TypeError: no beans", "exit code 3", "Start")
	second.Await("problems", "What happened")
	second.Open("http://" + s.address + "/")
	second.AwaitTrue("(text) => document.querySelector('.happened')?.innerText.includes(text)", "it ended with status 3")
	p.change("catalog", func(s *view.Service) {
		s.Events = []view.ServiceEvent{{At: time.Now(), Kind: view.ServiceWasRestarted, Detail: "app.py changed"}}
	})
	second.AwaitTrue("(text) => document.querySelector('.happened')?.innerText.includes(text)", "app.py changed")
	b.Open("http://" + s.address + "/services/web")
	b.Await("nothing here runs it", "It could be run by: npm run dev", "axion up --yes", "axion init")
	b.Open("http://" + s.address + "/services/graph-service")
	b.Await("Run yours in its place", "axion --without graph-service", "axion serve graph-service")
	b.AssertNoConsoleErrors()
	second.AssertNoConsoleErrors()
}

// TestPageServiceActions stops and starts a service: the button is busy meanwhile, and
// a refusal is shown with its hint.
func TestPageServiceActions(t *testing.T) {
	t.Parallel()
	s, p, _, o := composed(t)
	s.start(t, o)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/services/orders")
	b.Await("Restart", "Stop")
	hold := make(chan struct{})
	p.mu.Lock()
	p.hold = hold
	p.mu.Unlock()
	press := func(word string) {
		t.Helper()
		b.AwaitTrue(`(word) => { const found = [...document.querySelectorAll(".service-actions button")].find((b) => b.innerText === word && !b.disabled); found?.click(); return Boolean(found); }`, word)
	}
	press("Stop")
	b.AwaitTrue(`(word) => [...document.querySelectorAll(".service-actions button[aria-busy=true]")].some((b) => b.innerText === word && b.disabled)`, "Stopping…")
	p.mu.Lock()
	p.hold = nil
	p.mu.Unlock()
	close(hold)
	b.Await("Stopped", "Start")
	press("Start")
	b.Await("Running", "Restart")
	p.mu.Lock()
	p.refuse = "orders has no process here: it is yours: start it on port 3000"
	p.mu.Unlock()
	press("Restart")
	b.Await("orders was not restarted", "start it on port 3000")
	p.mu.Lock()
	defer p.mu.Unlock()
	if got, want := fmt.Sprint(p.asked), "[stop orders start orders restart orders]"; got != want {
		t.Errorf("got %s asked for, want %s", got, want)
	}
}

// TestPageServiceEnvironment shows secrets when asked to, and not once the view was left.
func TestPageServiceEnvironment(t *testing.T) {
	t.Parallel()
	s, _, _, o := composed(t)
	s.start(t, o)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/services/orders/environment")
	b.Await("KAFKA_BROKERS", "localhost:9092", "kafka:9092", "DB_PASSWORD", "••••", "OTEL_SERVICE_NAME", "axion env orders", evil)
	b.Run(chromedp.Click(chromedp.CSS(".environment-head button[aria-pressed]")))
	b.Await("leaves", "Hide 1 secret")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/services/orders"]`)))
	b.Await("node --watch main.js")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/services/orders/environment"]`)))
	b.Await("••••", "Show 1 secret")
	b.AwaitGone("leaves")
	b.AssertNoConsoleErrors()
}

// TestPageConsole shows what a process writes with its colours, and as text alone.
func TestPageConsole(t *testing.T) {
	t.Parallel()
	s, _, store, o := composed(t)
	stop := s.start(t, o)
	write(store, "orders", "plain", "\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[39m \x1b[48;2;10;20;30mtrue\x1b[m", evil, "10 %\r100 %",
		"\x1b]0;owned\x07\x1b[2J\x1b[Htitle")
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/services/orders/logs")
	b.Await("plain", "red orange true", evil, "100 %", "title")
	for script, want := range map[string]string{
		`document.title.includes("owned") + " " + document.querySelectorAll("main img").length`:                                            "false 0",
		`[...document.querySelectorAll(".console-text")].map((e) => e.textContent).filter((text) => /[\x00-\x1f]/.test(text)).length + ""`: "0",
		`[...document.querySelectorAll(".sgr")].map((e) => e.textContent + (e.classList.contains("bold") ? " bold" : "")).join()`:          "red bold,orange,true",
		`new Set([...document.querySelectorAll(".sgr")].map((e) => getComputedStyle(e).color)).size + ""`:                                  "3",
	} {
		if got, err := chromedp.Run(b.Context, chromedp.Evaluate[string](script)); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", script, got, err, want)
		}
	}
	b.Open("http://" + s.address + "/services/" + "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'owned'%22%3E")
	b.Await("It does not run")
	if n, err := chromedp.Run(b.Context, chromedp.Evaluate[int](`document.querySelectorAll("main img").length`)); err != nil || n != 0 {
		t.Errorf("got %d elements out of a service's name (%v)", n, err)
	}

	// The stack is started anew: what the page shows is of the new one.
	b.Open("http://" + s.address + "/services/orders/logs")
	b.Await("plain")
	stop()
	b.Await("Connection to the dashboard's server lost")
	again, _, store, o := composedAt(t, s.address)
	write(store, "orders", "second life")
	again.start(t, o)
	b.Await("second life")
	b.AwaitGone("plain")
}

// composedAt is composed at an address.
func composedAt(t *testing.T, address string) (*stack, *fakeProject, *telemetry.Store, Options) {
	t.Helper()
	s, p := newStack(), newFakeProject()
	s.realistic()
	s.system.Parts[6].Port = 3001
	o := s.options(t, address, newFakeGraph(t))
	o.Traces, o.Services = telemetry.New(), p.list
	o.Register = append(o.Register, p.register)
	return s, p, o.Traces, o
}

// TestTrafficParts: the map has a node for each service that runs here or could.
func TestTrafficParts(t *testing.T) {
	t.Parallel()
	o := Options{Services: newFakeProject().list}.withDefaults()
	got := map[string]string{}
	for _, p := range o.trafficParts(t.Context()) {
		got[p.Name] = p.Kind + " " + p.State
	}
	want := map[string]string{"postgres-orders": "service healthy", "orders": "service healthy", "catalog": "service starting",
		"web": "service absent", evil: "service unhealthy"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
