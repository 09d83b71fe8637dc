package web

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"axion/web/live"
	"axion/web/projectevents"
)

func TestProjects(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", g))
	const asJSON = "application/json"

	tests := []struct {
		name, method, path, contentType, body string
		status                                int
		want                                  string
	}{
		{"OKCreate", "POST", "/api/projects", asJSON, `{"name":"Shop","template":"static-site","config":{"a":1}}`, 201, `"slug":"shop"`},
		{"OKList", "GET", "/api/projects?limit=5", "", "", 200, `"items":[`},
		{"OKEvents", "GET", "/api/events", "", "", 200, `"items":[`},
		{"ErrField", "POST", "/api/projects", asJSON, `{"name":"Shop!"}`, 422, `"pointer":"/name"`},
		{"ErrNotJSON", "POST", "/api/projects", asJSON, `{`, 400, "the body is not JSON"},
		{"ErrContentType", "POST", "/api/projects", "text/plain", `{}`, 415, "application/json"},
		{"ErrTooLarge", "POST", "/api/projects", asJSON, `{"name":"` + strings.Repeat("x", 384<<10) + `"}`, 413, "384 KB"},
		{"ErrUnknown", "GET", "/api/projects/none", "", "", 404, "no such project"},
		{"ErrDeleteUnknown", "DELETE", "/api/projects/none", "", "", 404, "no such project"},
		{"ErrEscapedPath", "GET", "/api/projects/..%2F..%2Fhealth", "", "", 404, "no such project"},
		{"ErrMethod", "PUT", "/api/projects", asJSON, `{}`, 404, "no such endpoint or method"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, body := s.call(t, tt.method, tt.path, tt.body, map[string]string{"Content-Type": tt.contentType})
			if res.StatusCode != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s, want %d with %s", res.StatusCode, body, tt.status, tt.want)
			}
		})
	}
}

func TestProjectDeploysAndGoes(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", g))
	header := map[string]string{"Content-Type": "application/json"}
	_, created := s.call(t, "POST", "/api/projects", `{"name":"Shop"}`, header)
	var project struct{ ID string }
	if err := json.Unmarshal([]byte(created), &project); err != nil {
		t.Fatal(err)
	}
	at := "/api/projects/" + project.ID
	for _, step := range []struct {
		method, path string
		status       int
	}{
		{"GET", at, 200}, {"POST", at + "/deployments", 202}, {"GET", at + "/deployments", 200}, {"DELETE", at, 204}, {"GET", at, 404},
	} {
		if res, body := s.call(t, step.method, step.path, "{}", header); res.StatusCode != step.status {
			t.Errorf("%s %s: got %d, want %d: %s", step.method, step.path, res.StatusCode, step.status, body)
		}
	}
}

func TestProjectsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Options, *fakeGraph)
		status int
		want   string
	}{
		{"ErrNoBuiltins", func(o *Options, _ *fakeGraph) { o.Client = nil }, 503, "runs no builtin services"},
		{"ErrTrust", func(o *Options, _ *fakeGraph) { o.Client.RootCAs = nil }, 502, "certificate"},
		{"ErrNoGateway", func(o *Options, _ *fakeGraph) { o.Client.Gateway = "127.0.0.1:1" }, 502, "through the gateway at 127.0.0.1:1"},
		{"ErrGatewayText", func(_ *Options, g *fakeGraph) { g.breakDown("no server answers") }, 502,
			"the gateway answered for the graph service: no server answers"},
		{"ErrNoToken", func(o *Options, _ *fakeGraph) {
			o.Client.Token = func(context.Context) (string, error) { return "", errors.New("no key") }
		}, 502, "get a token: no key"},
		{"ErrBadToken", func(o *Options, _ *fakeGraph) {
			o.Client.Token = func(context.Context) (string, error) { return "a-bad-token", nil }
		}, 401, "the token is not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newFakeGraph(t)
			s := newStack()
			o := s.options(t, "127.0.0.1:0", g)
			tt.change(&o, g)
			s.start(t, o)
			res, body := s.call(t, "GET", "/api/projects", "", nil)
			if res.StatusCode != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s, want %d with %q", res.StatusCode, body, tt.status, tt.want)
			}
			if strings.Contains(body, "a-bad-token") {
				t.Errorf("the answer gives the token away: %s", body)
			}
		})
	}
}

// TestEvents follows the graph service's messages to a page, over a broken
// connection: each arrives once.
func TestEvents(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	past := g.tell("0-old", "DEPLOYMENT_STARTED", `{"n":0}`)
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", g))
	if got := <-g.dials; got != projectevents.SinceEpoch {
		t.Errorf("got after=%q at first, want %q", got, projectevents.SinceEpoch)
	}
	p := s.page(t)
	p.next(live.KindSnapshot) // before it, the page is not among those that are sent to
	first := g.tell("0-one", "DEPLOYMENT_STARTED", `{"n":1}`)
	if got := p.event(first.ProjectID); !got.Equal(first) {
		t.Errorf("got %v, want %v", got, first)
	}

	g.drop()
	missed := g.tell("0-two", "DEPLOYMENT_SUCCEEDED", `{"url":"https://x.apps.localhost"}`)
	if got := <-g.dials; got != first.At {
		t.Errorf("got after=%q, want that of the last message, %q", got, first.At)
	}
	if got := p.event(missed.ProjectID); !got.Equal(missed) {
		t.Errorf("got %v, want %v", got, missed)
	}

	_, body := s.call(t, "GET", "/api/events", "", nil)
	var list struct{ Items []projectevents.Event }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 || !list.Items[0].Equal(past) || !list.Items[2].Equal(missed) {
		t.Errorf("got %s, want the three events in order", body)
	}
	if _, body = s.call(t, "GET", "/api/events?project=0-two", "", nil); strings.Count(body, "projectId") != 1 {
		t.Errorf("got %s, want one project's events", body)
	}
}

// event reads until an event about project comes.
func (p *page) event(project string) projectevents.Event {
	p.t.Helper()
	for {
		var e projectevents.Event
		if err := json.Unmarshal(p.next(projectevents.KindEvent), &e); err != nil {
			p.t.Fatal(err)
		}
		if e.ProjectID == project {
			return e
		}
	}
}
