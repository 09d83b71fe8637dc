package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/provider"
)

// shownObject is an object of the API.
type shownObject map[string]any

func (o shownObject) at(path string) any {
	var v any = map[string]any(o)
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (o shownObject) list(path string) string {
	items, _ := o.at(path).([]any)
	var texts []string
	for _, v := range items {
		text, _ := v.(string)
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// TestNamesAsWritten has labels leave out the provider, and say it.
func TestNamesAsWritten(t *testing.T) {
	t.Parallel()
	s := start(t, compose(
		"http.routers.r.rule=Host(`a.localhost`)", "http.routers.r.service=s", "http.routers.r.middlewares=m,n@docker,c",
		"http.routers.alone.rule=Host(`b.localhost`)", "http.routers.alone.service=s@docker", "http.routers.alone.tls=true",
		"http.services.s.loadbalancer.server.url=http://127.0.0.1:1",
		"http.middlewares.m.stripprefix.prefixes=/a", "http.middlewares.n.addprefix.prefix=/a", "http.middlewares.c.chain.middlewares=m",
		"tcp.routers.t.rule=HostSNI(`t.localhost`)", "tcp.routers.t.tls=true", "tcp.routers.t.service=ts",
		"tcp.services.ts.loadbalancer.server.port=1",
	))
	var raw struct{ Routers, Services, Middlewares, TCPRouters map[string]shownObject }
	apiGet(t, s.Gateway, "/api/rawdata", &raw)
	r, alone := raw.Routers["r@docker"], raw.Routers["alone@docker"]
	want(t, "service", r.at("service"), any("s"))
	want(t, "middlewares", r.list("middlewares"), "m n@docker c")
	want(t, "qualified", alone.at("service"), any("s@docker"))
	want(t, "chain", raw.Middlewares["c@docker"].list("chain.middlewares"), "m")
	want(t, "used", raw.Services["s@docker"].list("usedBy"), "alone@docker r@docker")
	want(t, "TCP", raw.TCPRouters["t@docker"].at("service"), any("ts"))
	want(t, "passthrough", raw.TCPRouters["t@docker"].at("tls.passthrough"), any(false))
	for path, value := range map[string]any{
		"observability.accessLogs": true, "observability.traceVerbosity": "minimal", "priority": 19.0, "priorityStr": "19",
		"provider": "docker", "name": "r@docker",
	} {
		want(t, path, r.at(path), value)
	}
	want(t, "default entrypoints", r.list("entryPoints"), "web websecure")
	want(t, "in use", r.list("using"), "web")
	want(t, "TLS options", alone.at("tls.options"), any("default"))
	for path, value := range map[string]any{
		"loadBalancer.strategy": "wrr", "loadBalancer.passHostHeader": true, "loadBalancer.responseForwarding.flushInterval": "100ms",
		"type": "loadbalancer",
	} {
		want(t, path, raw.Services["s@docker"].at(path), value)
	}
	for query, names := range map[string]string{
		"serviceName=s": "r", "serviceName=s@docker": "alone r", "serviceName=other": "", "middlewareName=m": "r", "middlewareName=n@docker": "r",
		"middlewareName=m@docker": "", "sortBy=priority&direction=desc&search=LOCALHOST": "r alone", "per_page=1&page=2": "r",
	} {
		var list []shownObject
		apiGet(t, s.Gateway, "/api/http/routers?"+query, &list)
		var got []string
		for _, o := range list {
			name, _, _ := strings.Cut(o["name"].(string), "@")
			got = append(got, name)
		}
		want(t, query, strings.Join(got, " "), names)
	}
}

// TestEscapedNames asks for names that a path holds only escaped.
func TestEscapedNames(t *testing.T) {
	t.Parallel()
	s := start(t, compose(
		"http.routers.a/b ü?.rule=Host(`a.localhost`)", "http.routers.a/b ü?.service=s",
		"http.services.s.loadbalancer.server.url=http://127.0.0.1:1"))
	for _, path := range []string{"/api/http/routers/" + url.PathEscape("a/b ü?@docker"), "/api/http/routers/a%2fb%20%C3%BC%3F%40docker"} {
		var o shownObject
		if w := apiGet(t, s.Gateway, path, &o); w.Code != http.StatusOK || o["name"] != "a/b ü?@docker" {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	for path, message := range map[string]string{
		"/api/http/routers/x@docker": "router not found: x@docker", "/api/tcp/services/x%2Fy": "service not found: x/y",
		"/api/udp/routers/x":      "router not found: x",
		"/api/http/middlewares/x": "middleware not found: x", "/api/entrypoints/x": "entry point not found: x",
	} {
		var o shownObject
		if w := apiGet(t, s.Gateway, path, &o); w.Code != http.StatusNotFound || o["message"] != message {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/api/udp/middlewares", "/api/ftp/routers", "/api/http/things"} {
		if w := apiGet(t, s.Gateway, path, &shownObject{}); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}

func TestEntryPointPages(t *testing.T) {
	t.Parallel()
	s := start(t, compose(port))
	var list []shownObject
	w := apiGet(t, s.Gateway, "/api/entrypoints?per_page=1", &list)
	want(t, "next", w.Header().Get("X-Next-Page"), "2")
	want(t, "first", list[0].at("name"), any("web"))
	want(t, "address", list[0].at("address"), any(s.http))
	want(t, "timeout", list[0].at("transport.respondingTimeouts.readTimeout"), any("1m0s"))
	w = apiGet(t, s.Gateway, "/api/entrypoints?per_page=1&page=2", &list)
	want(t, "last", w.Header().Get("X-Next-Page"), "1")
	var o shownObject
	w = apiGet(t, s.Gateway, "/api/entrypoints?page=9", &o)
	want(t, "status", w.Code, http.StatusBadRequest)
	want(t, "message", o.at("message"), any("invalid request: page: 9, per_page: 100"))
	if w := apiGet(t, s.Gateway, "/api/entrypoints/websecure", &o); w.Code != http.StatusOK || o.at("name") != "websecure" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestRedirectionShown reports the router and middleware that an entrypoint brings
// along, and of the services that are the gateway's own.
func TestRedirectionShown(t *testing.T) {
	t.Parallel()
	s := start(t, compose("http.routers.p.rule=Path(`/ping`)", "http.routers.p.service=ping@internal", "http.routers.p.entrypoints=plain")+
		traefik("--entrypoints.plain.address=:80", "--entrypoints.tls.address=:443", "--entrypoints.plain.http.redirections.entrypoint.to=tls"))
	var routers, services, middlewares []shownObject
	apiGet(t, s.Gateway, "/api/http/routers", &routers)
	apiGet(t, s.Gateway, "/api/http/services", &services)
	apiGet(t, s.Gateway, "/api/http/middlewares", &middlewares)
	i := slices.IndexFunc(routers, func(o shownObject) bool { return o["provider"] == "internal" })
	if len(routers) != 2 || i < 0 {
		t.Fatalf("got %v", routers)
	}
	r, p := routers[i], routers[1-i]
	want(t, "syntax", r.at("ruleSyntax"), any("default"))
	want(t, "priority", r.at("priorityStr"), any("9223372036854775806"))
	want(t, "using", p.list("using"), "plain")
	var names []string
	for _, o := range services {
		names = append(names, o["name"].(string)+" by "+o.list("usedBy"))
	}
	if got := strings.Join(names, ", "); got != "noop@internal by "+r["name"].(string)+", ping@internal by p@docker" {
		t.Errorf("services: got %s", got)
	}
	if len(middlewares) != 1 || middlewares[0].at("redirectScheme.scheme") != "https" || middlewares[0].list("usedBy") != r["name"] ||
		r.list("middlewares")+"@internal" != middlewares[0]["name"] {
		t.Errorf("middlewares: got %v", middlewares)
	}
}

// TestBaseHidden leaves out what the stack brings along itself.
func TestBaseHidden(t *testing.T) {
	t.Parallel()
	base := []provider.Source{{Name: "embedded", Data: []byte(document("axion", append(route("own", "Host(`own.localhost`)",
		"http://127.0.0.1:1", "middlewares=own"),
		"http.middlewares.own.addprefix.prefix=/a")...))}}
	for _, hide := range []bool{true, false} {
		g, err := gateway.New(gateway.Options{Base: base, HideBase: hide, CADir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, path := range []string{"/api/rawdata", "/api/http/routers", "/api/http/services", "/api/http/middlewares",
			"/api/http/routers/own@docker"} {
			w := httptest.NewRecorder()
			g.API().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			text.WriteString(strings.ReplaceAll(w.Body.String(), "not found: own", ""))
		}
		if strings.Contains(text.String(), "own") == hide {
			t.Errorf("hide %t: got %s", hide, text.String())
		}
		var all struct {
			HTTP map[string]struct{ Total int }
		}
		apiGet(t, g, "/api/overview", &all)
		if n := all.HTTP["routers"].Total; (n == 0) != hide {
			t.Errorf("hide %t: got %d routers", hide, n)
		}
		if len(g.API().Routes()) != 1 {
			t.Errorf("hide %t: the routes are %v", hide, g.API().Routes())
		}
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
