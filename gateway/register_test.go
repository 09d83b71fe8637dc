package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/gateway"
	"axion/gateway/api"
	"axion/gateway/cert"
)

// registered serves what the gateway adds to an API.
func registered(t *testing.T, g *gateway.Gateway) (api huma.API, ask func(path string, into any) int) {
	t.Helper()
	mux := http.NewServeMux()
	api = humago.New(mux, huma.DefaultConfig("test", "1"))
	g.API().Register(api)
	return api, func(path string, into any) int {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
				t.Fatalf("%s: %v: %s", path, err, w.Body)
			}
		}
		return w.Code
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s := start(t, compose(slices.Concat(
		route("shop", "Host(`shop.localhost`) || Host(`store.localhost`)", upstream(t, "shop"), "tls=true"),
		route("plain", "Host(`plain.localhost`)", upstream(t, "plain"), "entrypoints=web"))...))
	_, ask := registered(t, s.Gateway)
	list := func() map[string]cert.Certificate {
		var got struct {
			Items []cert.Certificate
			Root  cert.Root
		}
		if status := ask("/api/certificates", &got); status != 200 {
			t.Fatalf("got status %d", status)
		}
		if got.Root.File != s.RootFile() || !slices.Contains(got.Root.Names, "localhost") {
			t.Errorf("got root %+v", got.Root)
		}
		of := map[string]cert.Certificate{}
		for _, c := range got.Items {
			of[c.Hosts[0]] = c
		}
		return of
	}
	before := list()
	if c := before["shop.localhost"]; c.Issued || c.Source != cert.FromLocal || !slices.Equal(c.Routers, []string{"shop@docker"}) {
		t.Errorf("before a handshake: got %+v", c)
	}
	if _, ok := before["plain.localhost"]; ok {
		t.Errorf("a host without TLS is there: %+v", before)
	}
	if status, _ := get(t, s.client(), "https://shop.localhost/"); status != 200 {
		t.Fatalf("got status %d", status)
	}
	after := list()
	if c := after["shop.localhost"]; !c.Issued || c.Issuer != "axion local intermediate" || !c.NotAfter.After(c.NotBefore) {
		t.Errorf("after a handshake: got %+v", c)
	}
	if after["store.localhost"].Issued {
		t.Error("store.localhost has a certificate that nobody asked for")
	}
}

func TestSnippet(t *testing.T) {
	t.Parallel()
	good := route("shop", "Host(`shop.localhost`)", upstream(t, "shop"))
	s := start(t, compose(good...))
	_, ask := registered(t, s.Gateway)
	at := func(file string, line int) (got api.Snippet, status int) {
		status = ask("/api/snippet?file="+url.QueryEscape(file)+"&line="+strconv.Itoa(line), &got)
		return got, status
	}
	s.save(compose(append(good, "http.routers.bad.rule=Hots(`a.localhost`)", "http.middlewares.m.basicauth.users=me:$$apr1$$hash")...))
	eventually(t, "the problem", func() bool { return len(s.Problems()) > 0 })
	p := s.Problems()[0]
	got, status := at(p.File, p.Line)
	if status != 200 || got.Line != p.Line || got.First != p.Line || len(got.Lines) != 1 || !strings.Contains(got.Lines[0], "Hots") {
		t.Fatalf("got %d %+v for %v, want the label alone", status, got, p)
	}
	if got, _ := at(p.File, p.Line+1); len(got.Lines) != 1 || strings.Contains(got.Lines[0], "apr1") ||
		!strings.Contains(got.Lines[0], "basicauth.users") {
		t.Errorf("got lines %q, want the label without the hash", got.Lines)
	}
	s.save(compose(good...))
	eventually(t, "the fixed file", func() bool { return len(s.Problems()) == 0 })
	if got, _ := at(p.File, p.Line); len(got.Lines) > 0 {
		t.Errorf("a line that is gone: got %q", got.Lines)
	}
	secret := filepath.Join(filepath.Dir(s.file), "secret.yaml")
	write(t, secret, "a: b\n")
	for _, file := range []string{secret, "/etc/passwd", "../secret.yaml", ""} {
		if got, _ := at(file, 1); len(got.Lines) > 0 {
			t.Errorf("%q: got %q", file, got.Lines)
		}
	}
	if got, _ := at(s.file, 100000); len(got.Lines) > 0 {
		t.Errorf("line 100000: got %q", got.Lines)
	}
}

func TestSecretsHidden(t *testing.T) {
	t.Parallel()
	s := start(t, compose(append(route("shop", "Host(`shop.localhost`)", "http://me:hunter2@127.0.0.1:1"),
		"http.middlewares.a.basicauth.users=me:$$apr1$$hunter2", "http.middlewares.b.digestauth.users=me:realm:hunter2",
		"http.middlewares.c.headers.customrequestheaders.Authorization=Bearer hunter2",
		"http.middlewares.c.headers.customrequestheaders.X-Api-Key=hunter2",
		"http.middlewares.c.headers.customrequestheaders.X-Auth-Key=hunter2", "http.middlewares.c.headers.customrequestheaders.X-Pass=hunter2",
		"http.middlewares.c.headers.customrequestheaders.Cookie=hunter2", "http.middlewares.c.headers.customrequestheaders.X-Team=Bearer hunter2",
		"http.middlewares.c.headers.customresponseheaders.X-Plain=plainly",
		"http.middlewares.d.forwardauth.address=http://me:hunter2@127.0.0.1:1/?token=hunter2",
		"http.middlewares.d.forwardauth.addauthcookiestoresponse=cookie-a", "http.middlewares.d.forwardauth.tls.key=hunter2",
		"http.middlewares.e.headers.customrequestheaders.X-Origin=http://me:hunter2@a.localhost/",
		"http.services.shop.loadbalancer.passivehealthcheck.failurewindow=3s",
		"http.routers.keyed.rule=Host(`keyed.localhost`) && Header(`X-Api-Key`, `hunter2`) && !Query(`token`, `hunter2`)",
		"http.routers.keyed.service=shop",
		"http.middlewares.c.headers.customresponseheaders.X-Robots-Tag=shown",
		"http.services.shop.loadbalancer.healthcheck.path=/health",
		"http.services.shop.loadbalancer.healthcheck.headers.X-Check-Token=hunter2")...))
	text := ""
	for _, path := range []string{"/api/rawdata", "/api/http/middlewares", "/api/http/services", "/api/http/services/shop@docker",
		"/api/http/routers",
		"/api/overview", "/api/entrypoints", "/api/explain?url=https://shop.localhost/", "/api/explain?url=http://keyed.localhost/"} {
		w := httptest.NewRecorder()
		s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		text += w.Body.String()
	}
	routes, err := json.Marshal(s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	text += string(routes)
	for _, secret := range []string{"hunter2", "apr1"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is told: %s", secret, text)
		}
	}
	for _, plain := range []string{"shown", "plainly", "me:", "X-Api-Key", "X-Check-Token", "/health", "cookie-a", `"failureWindow":"3s"`,
		`"usedBy":["keyed@docker","shop@docker"]`} {
		if !strings.Contains(text, plain) {
			t.Errorf("%q is not told: %s", plain, text)
		}
	}
}

// TestSecretsOfProblemsHidden quotes addresses that cannot be read.
func TestSecretsOfProblemsHidden(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"me:hunter2@127.0.0.1:1", "ftp://me:hunter2@127.0.0.1", "http://me:hunter2@127.0.0.1:a"} {
		s := start(t, compose(route("shop", "Host(`shop.localhost`)", url)...))
		w := httptest.NewRecorder()
		s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/rawdata", nil))
		problems, err := json.Marshal(s.Problems())
		if err != nil || len(s.Problems()) == 0 {
			t.Fatalf("%s: got %s, %v", url, problems, err)
		}
		if text := w.Body.String() + string(problems); strings.Contains(text, "hunt") || strings.Contains(text, "er2") {
			t.Errorf("%s: got %s", url, text)
		}
	}
}

// TestShapesServed asks the API for each path that is described.
func TestShapesServed(t *testing.T) {
	t.Parallel()
	s := start(t, compose(append(route("shop", "Host(`shop.localhost`)", upstream(t, "shop"), "middlewares=m"),
		"http.middlewares.m.addprefix.prefix=/a")...))
	api, _ := registered(t, s.Gateway)
	for path, item := range api.OpenAPI().Paths {
		if item.Get == nil || item.Get.Summary == "" {
			t.Errorf("%s is not described", path)
		}
		if path == "/api/certificates" || path == "/api/snippet" {
			continue
		}
		path = strings.Replace(path, "entrypoints/{name}", "entrypoints/web", 1)
		path = strings.NewReplacer("middlewares/{name}", "middlewares/m@docker", "{name}", "shop@docker").Replace(path)
		w := httptest.NewRecorder()
		s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?url=https://shop.localhost/", nil))
		raw := strings.HasPrefix(path, "/api/tcp") || strings.HasPrefix(path, "/api/udp") // none of those are there
		if missing := raw && strings.Contains(path, "@"); w.Code != 200 && (!missing || !strings.Contains(w.Body.String(), "not found")) {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("shop", "Host(`shop.localhost`)", upstream(t, "shop"))...))
	_, plain, _ := strings.Cut(s.http, ":")
	_, secure, _ := strings.Cut(s.secure, ":")
	for _, tt := range []struct {
		scheme, port, want string
	}{
		{"http", "", s.http}, {"https", "", s.secure}, {"http", plain, s.http}, {"https", secure, s.secure},
		{"https", plain, ""}, {"http", secure, ""}, {"https", "1", ""}, {"ftp", "", ""},
	} {
		if got, ok := s.EntryPoints().Address(tt.scheme, tt.port); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %q: got %q, want %q", tt.scheme, tt.port, got, tt.want)
		}
	}
}
