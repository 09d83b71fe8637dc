package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
	"axion/web/telemetry"
)

// TestPageLoads opens each page, at its address and narrow too, and finds
// nothing wrong in the console and nothing that sticks out.
func TestPageLoads(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.realistic()
	s.start(t, s.options(t, "127.0.0.1:0", newFakeGraph(t)))
	b := stacktest.OpenTab(t)
	pages := map[string][]string{
		"/": {"all healthy", "ready in 142 ms", "infrastructure-service", "localhost:9092", "Authority",
			"certutil -A -d sql:$HOME/.pki/nssdb -n axion -t C -i '/home/me/my stack/root.crt'"},
		"/routes":                        {"7 routers", "graph-path"},
		"/routes/graph-path%40docker":    {"2 servers", "http://127.0.0.1:3011", "embedded:71"},
		"/topics":                        {"19 topics", "axion.graph-service.dlq"},
		"/projects":                      {"No projects yet"},
		"/projects/new":                  {"Create project"},
		"/nowhere":                       {"There is no page here"},
		"/routes?q=infrastructure.local": {"1 router of 7"},
	}
	for _, width := range []int64{1440, 1024, 900, 720, 390} {
		b.Run(chromedp.EmulateViewport(width, 844))
		for path, words := range pages {
			b.Open("http://" + s.address + path)
			b.Await(words...)
			wide, err := chromedp.Run(b.Context,
				chromedp.Evaluate[int64]("Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('main, .strip')].map((e) "+
					"=> e.getBoundingClientRect().left + e.scrollWidth))"))
			if err != nil {
				t.Fatal(err)
			}
			if wide > width {
				t.Errorf("%s is %d px wide on a screen of %d", path, wide, width)
			}
		}
	}
	b.AssertNoConsoleErrors()
}

func TestPageFollowsTheStack(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.realistic()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	b.Await("all healthy", "17,946")
	s.change(func(s *stack) { s.broken() })
	b.Await("4 problems", "the records of offsets 7 to 9 are lost", "t-0/7.dat", "check the disk", "deployment-service is unhealthy",
		"unknown matcher \"Hots\"", "compose.yaml:31", "did you mean Host?", "3 dead letters")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/topics"].rail-link`)))
	b.Await("19 topics")
	s.change(func(s *stack) { s.topicErr = errBroker })
	b.Await("The broker's topics could not be read", errBroker.Error(), "19 topics")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/projects"].rail-link`)))
	b.Await("This stack runs no builtin services")
	b.Run(chromedp.NavigateBack())
	b.Await("19 topics")
	b.AssertNoConsoleErrors()
}

// TestPageShowsText puts markup wherever a value comes from outside.
func TestPageShowsText(t *testing.T) {
	t.Parallel()
	const evil = `<img src=x onerror="document.title='owned'">`
	g := newFakeGraph(t)
	s := newStack()
	s.realistic()
	s.system.Parts[0].Detail = evil
	s.system.Parts[1].URL = "javascript:document.title='owned'"
	o := s.options(t, "127.0.0.1:0", g)
	o.Traces = telemetry.New()
	s.start(t, o)
	g.mu.Lock()
	id, _ := g.addProject(evil, "static-site", map[string]any{"x": evil})["id"].(string)
	g.mu.Unlock()
	g.tell(id, "DEPLOYMENT_SUCCEEDED", `{"url":"javascript:document.title='owned'"}`)
	b := stacktest.OpenTab(t)
	for _, path := range []string{"/", "/projects/" + id} {
		b.Open("http://" + s.address + path)
		b.Await(evil)
		found, err := chromedp.Run(b.Context, chromedp.Evaluate[int](`document.querySelectorAll("main img, a[href^=javascript]").length`))
		if err != nil || found != 0 {
			t.Errorf("%s: got %d elements out of values (%v), want none", path, found, err)
		}
	}
	b.Await("not kept any more") // the trace, which is asked for last
	b.AssertNoConsoleErrors()
}

func TestPageCreatesProject(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", g))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/projects")
	b.Await("No projects yet", "Source code with its Dockerfile.") // which moves the button

	// What the page itself finds wrong, then what only the server does.
	submit := chromedp.Click(chromedp.CSS("form button[type=submit]"))
	b.Run(submit)
	b.Await("Give the project a name.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#config"), "{"), chromedp.SendKeys(chromedp.CSS("#name"), "Weather station!"))
	b.AwaitGone("Give the project a name.")
	b.Await("This is not a JSON object")
	b.Run(chromedp.SendKeys(chromedp.CSS("#config"), "}"))
	b.AwaitGone("This is not a JSON object")
	b.Run(submit)
	b.Await("must not shout")
	if got := b.Text("#name-error"); got != "must not shout" {
		t.Errorf("got %q at the field, want what the server said", got)
	}
	if typed, err := chromedp.Run(b.Context, chromedp.Value(chromedp.CSS("#name"))); err != nil || typed != "Weather station!" {
		t.Errorf("got %q in the field (%v), want what was typed", typed, err)
	}

	b.Run(chromedp.SendKeys(chromedp.CSS("#name"), "\b"), submit)
	b.Await("Project created", "weather-station", "Pending")
	if got := b.Text(".projects .slug"); got != "weather-station" {
		t.Errorf("got %q beside the name, want the slug", got)
	}
	g.mu.Lock()
	id, _ := g.projects[0]["id"].(string)
	g.mu.Unlock()
	g.tell(id, "DEPLOYMENT_STARTED", `{}`)
	b.Await("Deploying")
	g.tell(id, "DEPLOYMENT_PROGRESS", `{"step":"codegen"}`)
	awaitStep(t, b, "Code generated", "done")
	g.tell(id, "DEPLOYMENT_PROGRESS", `{"step":"provision"}`)
	awaitStep(t, b, "Provisioned", "done")
	g.tell(id, "DEPLOYMENT_SUCCEEDED", `{"url":"https://weather-station.apps.localhost:8443"}`)
	b.Await("Live at")
	link, err := chromedp.Run(b.Context, chromedp.AttributeValue(chromedp.CSS("a.site"), "href"))
	if err != nil || link.Value != "https://weather-station.apps.localhost:8443" {
		t.Errorf("got link %q (%v), want that of the event", link.Value, err)
	}

	b.Run(chromedp.Reload())
	b.Await("Live at", "Provisioned")
	b.Run(chromedp.Click(chromedp.CSS(".actions button:last-child")))
	b.Await("Delete this project and its site?")
	b.Run(chromedp.Click(chromedp.CSS(".actions .danger")))
	b.Await("No projects yet")
}

// awaitStep waits until a step of the timeline is in a state.
func awaitStep(t *testing.T, b *stacktest.Tab, title, state string) {
	t.Helper()
	b.AwaitTrue(fmt.Sprintf(`(state) => [...document.querySelectorAll(".step." + state)].some((step) => step.innerText.startsWith(%q))`,
		title), state)
}

func TestPageLosesConnection(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.realistic()
	stop := s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/topics")
	b.Await("axion.events", "all healthy")
	stop()
	b.Await("Connection to the dashboard's server lost", "Trying again", "axion.events")
	b.Run(chromedp.Click(chromedp.CSS(`a.rail-link[href="/faults"]`))) // whose module is not loaded yet
	b.Await("This part of the page could not be loaded")
	s.change(func(s *stack) { s.topics = append(s.topics, topicOf("axion.new", 3)) })
	s.start(t, s.options(t, s.address, nil))
	b.AwaitGone("Connection to the dashboard's server lost")
	b.AwaitGone("This part of the page could not be loaded")
	b.Run(chromedp.Click(chromedp.CSS(`a.rail-link[href="/topics"]`)))
	b.Await("axion.new", "all healthy")
}

// TestTimeline runs the page's own module over projects, deployments and events.
func TestTimeline(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	const begun = `{createdAt: "2026-01-01T00:00:00Z"}`
	tests := []struct{ name, deployments, events, want string }{
		{"OKNothingHeard", `[]`, `[]`, "PENDING: done active waiting waiting waiting waiting"},
		{"OKPending", `[{id: "a", status: "PENDING", createdAt: "2026-01-01T00:00:00Z"}]`, `[]`,
			"PENDING: done active waiting waiting waiting waiting"},
		{"OKStarted", `[]`, `[{type: "DEPLOYMENT_STARTED", deploymentId: "a", at: "2026-01-01T00:00:01Z"}]`,
			"STARTED: done done done active waiting waiting"},
		{"OKStepsOutOfOrder", `[]`, `[{type: "DEPLOYMENT_PROGRESS", deploymentId: "a", at: "2026-01-01T00:00:01Z", data: {step: "provision"}}]`,
			"STARTED: done done done done done active"},
		{"OKSucceededBeforeOurTime", `[{id: "a", status: "SUCCEEDED", createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:02Z"}]`,
			`[]`, "SUCCEEDED: done done done done done done"},
		{"OKFailed", `[{id: "a", status: "STARTED", createdAt: "2026-01-01T00:00:00Z"}]`,
			`[{type: "DEPLOYMENT_STARTED", deploymentId: "a", at: "2026-01-01T00:00:01Z"}, {type: "DEPLOYMENT_FAILED", deploymentId: "a", at: "2026-01-01T00:00:02Z", data: {error: "no"}}]`,
			"FAILED: done done done failed skipped failed"},
		{"OKFailedBeforeOurTime", `[{id: "a", status: "FAILED", error: "provision: no port is free", createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:01Z"}]`, `[]`,
			"FAILED: done done done done failed failed"},
		{"OKNewestFirst", `[{id: "b", status: "PENDING", createdAt: "2026-01-02T00:00:00Z"}, {id: "a", status: "FAILED", createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:01Z"}]`, `[]`,
			"PENDING: done active waiting waiting waiting waiting; FAILED: done skipped skipped skipped skipped failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := fmt.Sprintf(`import("/js/timeline.js").then(({runsOf}) => runsOf(%s, %s, %s).map((run) => run.status + ": " + run.steps.map((step) => step.state).join(" ")).join("; "))`,
				begun, tt.deployments, tt.events)
			got, err := chromedp.Run(b.Context, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
			if err != nil || got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestThemeSwitch(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	b.Await("no parts yet")
	ground := func() string {
		t.Helper()
		colour, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("getComputedStyle(document.documentElement).backgroundColor"))
		if err != nil {
			t.Fatal(err)
		}
		return colour
	}
	next := chromedp.Click(chromedp.CSS(`button[aria-label^="Theme"]`))
	b.Run(next)
	b.AwaitTrue("(theme) => document.documentElement.dataset.theme === theme", "light")
	light := ground()
	b.Run(next)
	b.AwaitTrue("(theme) => document.documentElement.dataset.theme === theme", "dark")
	if dark := ground(); dark == light || !strings.HasPrefix(dark, "rgb") {
		t.Errorf("got ground %s in dark and %s in light", dark, light)
	}
	b.Run(chromedp.Reload())
	b.AwaitTrue("(theme) => document.documentElement.dataset.theme === theme", "dark")
}
