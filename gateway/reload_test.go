package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"axion/gateway/routes"
	"axion/web/view"
)

func TestReload(t *testing.T) {
	t.Parallel()
	a, b := upstream(t, "a"), upstream(t, "b")
	s := start(t, compose(route("r", "Host(`r.localhost`)", a)...))
	c := s.client()
	body := func(want string) func() bool {
		return func() bool { _, got := get(t, c, "http://r.localhost/"); return got == want }
	}
	eventually(t, "first answer", body("a"))

	s.save(compose(route("r", "Host(`r.localhost`)", b)...))
	eventually(t, "answer after a save", body("b"))

	t.Run("ErrInvalidKeepsTheOldTable", func(t *testing.T) {
		for _, text := range []string{
			"services: [",
			compose(route("r", "Host('r.localhost')", a)...),
			compose(append(route("r", "Host(`r.localhost`)", a), "http.routers.r.rulee=x")...),
			compose(route("r", "Host(`r.localhost`)", a, "middlewares=nope")...),
			compose(append(route("r", "Host(`r.localhost`)", a, "middlewares=c"),
				"http.middlewares.c.headers.accesscontrolalloworiginlistregex=(")...),
			compose(append(route("r", "Host(`r.localhost`)", a), "http.routers.r.service=nope")...),
			compose(route("r", "Host(`r.localhost`)", a, "entrypoints=nope")...),
			compose(route("r", "Host(`r.localhost`)", a, "entrypoints=websecure")...),
		} {
			s.save(text)
			eventually(t, "a problem", func() bool { return len(s.Problems()) > 0 })
			p := s.Problems()[0]
			want(t, "file", p.File, s.file)
			if !body("b")() {
				t.Errorf("answer after %v: not the old table's", p)
			}
			s.save(compose(route("r", "Host(`r.localhost`)", b)...))
			eventually(t, "no problem", func() bool { return len(s.Problems()) == 0 })
		}
	})
}

func TestFragment(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("r", "Host(`r.localhost`)", upstream(t, "r"))...))
	c, url := s.client(), upstream(t, "a")
	t.Run("OK/Fragment", func(t *testing.T) {
		file := filepath.Join(s.fragments, "site.yaml")
		wait, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		waited := make(chan error, 1)
		go func() { waited <- s.WaitHost(wait, "site.apps.localhost") }()
		write(t, file, document("site", route("site", "Host(`site.apps.localhost`)", url, "tls=true")...))
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		_, got := get(t, c, "https://site.apps.localhost/")
		want(t, "body", got, "a")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		eventually(t, "404 after removal", func() bool {
			status, _ := get(t, c, "https://site.apps.localhost/")
			return status == 404
		})
	})
	t.Run("ErrWaitHostEnds", func(t *testing.T) {
		ended, stop := context.WithCancel(t.Context())
		stop()
		if err := s.WaitHost(ended, "never.localhost"); err == nil {
			t.Error("got no error")
		}
	})
}

// TestReloadUnderLoad changes the route's upstream a hundred times while
// clients go on asking.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	urls := []string{upstream(t, "0"), upstream(t, "1")}
	s := start(t, compose(route("r", "Host(`r.localhost`)", urls[0])...))
	c := s.client()
	var stop atomic.Bool
	var load sync.WaitGroup
	var requests atomic.Int64
	for range 4 {
		load.Go(func() {
			for !stop.Load() {
				if status, body := get(t, c, "http://r.localhost/"); status != 200 {
					t.Errorf("request: got %d %q, want 200", status, body)
					return
				}
				requests.Add(1)
			}
		})
	}
	for i := range 100 {
		next := urls[(i+1)%2]
		s.save(compose(route("r", "Host(`r.localhost`)", next)...))
		eventually(t, "the next server", func() bool { return s.Routes()[0].Servers[0].URL == next })
	}
	stop.Store(true)
	load.Wait()
	t.Logf("%d requests during 100 reloads", requests.Load())
}

func TestBalance(t *testing.T) {
	t.Parallel()
	var sick atomic.Bool
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" && sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "a")
	})
	b := upstream(t, "b")
	lb := "http.services.r.loadbalancer.healthcheck."
	first := append(route("r", "Host(`r.localhost`)", a), lb+"path=/health", lb+"interval=20ms")
	second := []string{"http.services.r.loadbalancer.server.url=" + b, lb + "path=/health", lb + "interval=20ms"}
	s := start(t, document("one", first...)+strings.TrimPrefix(document("two", second...), "services:\n"))
	c := s.client()
	answers := func() string {
		_, one := get(t, c, "http://r.localhost/")
		_, two := get(t, c, "http://r.localhost/")
		return one + two
	}
	if got := answers(); got != "ab" && got != "ba" {
		t.Errorf("two requests: got %q, want one of each server", got)
	}
	sick.Store(true)
	eventually(t, "a taken out", func() bool { return answers() == "bb" })
	for _, server := range s.Routes()[0].Servers {
		want(t, "status of "+server.URL, server.Status, map[bool]view.ServerStatus{true: view.ServerDown, false: view.ServerUp}[server.URL == a])
	}
	// A reload of something else must not forget that a is down.
	s.save(document("one", first...) +
		strings.TrimPrefix(document("two", append(second, route("x", "Host(`x.localhost`)", a)...)...), "services:\n"))
	eventually(t, "the other route", func() bool { return len(s.Routes()) == 2 })
	for range 3 {
		want(t, "answers after a reload", answers(), "bb")
	}
	sick.Store(false)
	eventually(t, "a taken back", func() bool { got := answers(); return got == "ab" || got == "ba" })
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	url := upstream(t, "ok")
	labels := route("good", "Host(`good.localhost`) && PathPrefix(`/api`)", url)
	labels = append(labels, route("noware", "Host(`a.localhost`)", url, "middlewares=good,missing")...)
	labels = append(labels, route("noservice", "Host(`b.localhost`)", url)...)
	labels = append(labels, "http.routers.noservice.service=goood")
	labels = append(labels, route("halfentry", "Host(`c.localhost`)", url, "entrypoints=web,metrics")...)
	labels = append(labels, route("noentry", "Host(`d.localhost`)", url, "entrypoints=metrics")...)
	labels = append(labels, route("notls", "Host(`e.localhost`)", url, "entrypoints=websecure")...)
	labels = append(labels, route("tie2", "Host(`tie.localhost`) && Method(`GET`)", url)...)
	labels = append(labels, route("tie1", "Host(`tie.localhost`) && Path(`/abcd`)", url)...)
	labels = append(labels, route("apart1", "Host(`apart.localhost`) && Path(`/a`)", url)...)
	labels = append(labels, route("apart2", "Host(`apart.localhost`) && Path(`/b`)", url)...)
	labels = append(labels, route("badstrip", "Host(`f.localhost`)", url, "middlewares=empty")...)
	labels = append(labels, route("foreign", "Host(`shop.example`)", url, "tls=true")...)
	labels = append(labels, "http.middlewares.good.addprefix.prefix=/x", "http.middlewares.empty.redirectscheme.permanent=true")
	s := start(t, compose(labels...))

	listed := make(map[string]view.Route)
	for _, r := range s.Routes() {
		listed[strings.TrimSuffix(r.Name, "@docker")] = r
	}
	for name, tt := range map[string]struct {
		status  view.RouteStatus
		finding string
	}{
		"good":      {view.RouteEnabled, ""},
		"noware":    {view.RouteDisabled, `"missing@docker" does not exist`},
		"halfentry": {view.RouteWarning, `"metrics" does not exist`},
		"noentry":   {view.RouteDisabled, "none of the router's entrypoints"},
		"notls":     {view.RouteDisabled, "HTTPS only"},
		"tie1":      {view.RouteWarning, `"tie1@docker" and "tie2@docker" have the same priority`},
		"tie2":      {view.RouteWarning, `"tie1@docker" is tried first`},
		"apart1":    {view.RouteEnabled, ""},
		"foreign":   {view.RouteWarning, `certificate for "shop.example"`},
		"badstrip":  {view.RouteDisabled, "redirectscheme.scheme is empty"},
	} {
		r := listed[name]
		want(t, "status of "+name, r.Status, tt.status)
		if got := strings.Join(r.Errors, "; "); !strings.Contains(got, tt.finding) || tt.finding == "" && got != "" {
			t.Errorf("findings of %s: got %q, want %q", name, got, tt.finding)
		}
	}
	want(t, "priority", listed["good"].Priority, len("Host(`good.localhost`) && PathPrefix(`/api`)"))
	want(t, "server", fmt.Sprint(listed["good"].Servers), fmt.Sprint([]view.RouteServer{{URL: url, Status: "UP"}}))
	status, _ := get(t, s.client(), "http://a.localhost/")
	want(t, "status without its middleware", status, 404)

	var table strings.Builder
	if err := routes.Print(&table, s.Routes()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"ROUTER", "good@docker", "disabled", url, s.file + ":"} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("printed routes: got no %q in\n%s", part, table.String())
		}
	}
}

func TestMiddlewares(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.EscapedPath(), " ", r.Header.Get("X-Forwarded-Prefix"), " ", r.Header.Get("X-In"))
	})
	labels := route("api", "Host(`api.localhost`)", url, "tls=true", "middlewares=strip,add,head")
	labels = append(labels, "http.middlewares.strip.stripprefix.prefixes=/api/graph", "http.middlewares.add.addprefix.prefix=/v1",
		"http.middlewares.head.headers.customrequestheaders.X-In=yes", "http.middlewares.head.headers.customresponseheaders.X-Out=yes")
	labels = append(labels, "http.routers.up.rule=HostRegexp(`.+`)", "http.routers.up.priority=1",
		"http.routers.up.service=noop@internal", "http.routers.up.middlewares=tls", "http.middlewares.tls.redirectscheme.scheme=https")
	s := start(t, compose(labels...))
	resp, err := s.client().Get("https://api.localhost/api/graph/a%2Fb//../c")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want(t, "X-Out", resp.Header.Get("X-Out"), "yes")
	_, body := get(t, s.client(), "https://api.localhost/api/graph/a%2Fb")
	want(t, "upstream's view", body, "/v1/a%2Fb /api/graph yes")

	if resp, err = s.client().Get("http://api.localhost/p?q=1"); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, port, _ := strings.Cut(s.secure, ":")
	want(t, "status", resp.StatusCode, http.StatusFound)
	want(t, "Location", resp.Header.Get("Location"), "https://api.localhost:"+port+"/p?q=1")
}

func TestUpstreamDown(t *testing.T) {
	t.Parallel()
	const gone = "http://127.0.0.1:1" // no one listens there
	labels := route("gone", "Host(`gone.localhost`)", gone)
	labels = append(labels, route("sick", "Host(`sick.localhost`)", gone)...)
	s := start(t, compose(append(labels, "http.services.sick.loadbalancer.healthcheck.path=/")...))
	status, body := get(t, s.client(), "http://gone.localhost/")
	want(t, "status", status, 502)
	if !strings.Contains(body, `"Bad Gateway"`) || !strings.Contains(body, gone) {
		t.Errorf("body: got %s, want one that names the server", body)
	}
	eventually(t, "503 where none is healthy", func() bool {
		status, body = get(t, s.client(), "http://sick.localhost/")
		return status == 503
	})
	if !strings.Contains(body, "no available server") {
		t.Errorf("body: got %s", body)
	}
}
