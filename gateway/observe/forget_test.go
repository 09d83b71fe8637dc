package observe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"axion/gateway/config"
	"axion/gateway/observe"
	"axion/gateway/respwriter"
)

// counted is an observer that counts by entrypoint, router and service.
func counted(t *testing.T, p config.Prometheus) *observe.Observer {
	t.Helper()
	o := observe.New(observe.Options{})
	p.AddRoutersLabels = true
	if err := o.Apply(&config.Static{Metrics: &config.Metrics{Prometheus: &p}}); err != nil {
		t.Fatal(err)
	}
	return o
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// pass has a request go through a router and its service's server.
func pass(o *observe.Observer, entry, router, service string, r *http.Request) {
	e := o.Begin(httptest.NewRecorder(), r, entry)
	e.SetRoute(router, service, nil)
	s, _ := respwriter.Find[respwriter.ServerRecorder](e)
	s.SetServer(service, &url.URL{Scheme: "http", Host: "127.0.0.1:4000"})
	e.WriteHeader(http.StatusOK)
	s.Answered(http.StatusOK, 0)
	e.Retried()
	e.End()
}

func scrape(o *observe.Observer) string {
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// counter counts what is read of a body.
type counter struct {
	io.ReadCloser
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counter) ReadBytes() int64 { return c.n.Load() }
func (*counter) Complete() bool     { return true }

func get() *http.Request { return httptest.NewRequest(http.MethodGet, "http://a/", nil) }

func TestForget(t *testing.T) {
	t.Parallel()
	o := counted(t, config.Prometheus{})
	all := observe.Alive{EntryPoints: set("web", "mail"), Routers: set("a", "b"), Services: set("a", "b")}
	less := observe.Alive{EntryPoints: set("web"), Routers: set("a"), Services: set("a")}
	o.Keep(all)
	pass(o, "web", "a", "a", get())
	pass(o, "web", "b", "b", get())
	pass(o, "mail", "a", "a", get())
	has := func(what, text, series string, want bool) {
		t.Helper()
		if strings.Contains(text, series) != want {
			t.Errorf("%s: %s: got %t, want %t", what, series, !want, want)
		}
	}
	gone := []string{`router="b"`, `service="b"`, `entrypoint="mail"`, `traefik_service_retries_total{service="b"}`}
	text := scrape(o)
	for _, series := range gone {
		has("before", text, series, true)
	}
	o.Keep(less)
	if text, _ := o.Gatherer().Gather(); len(text) == 0 { // who only looks changes nothing
		t.Error("nothing is gathered")
	}
	text = scrape(o)
	for _, series := range gone {
		has("the scrape that follows", text, series, true)
	}
	text = scrape(o)
	for _, series := range gone {
		has("the one after", text, series, false)
	}
	has("alive", text, `traefik_router_requests_total{code="200",method="GET",protocol="http",router="a",service="a"} 2`, true)
	has("alive", text, `traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 2`, true)

	pass(o, "web", "b", "b", get()) // it was under way
	has("ended late", scrape(o), `router="b"`, true)
	has("ended late, then", scrape(o), `router="b"`, false)

	o.Keep(all)
	has("back, unused", scrape(o), `router="b"`, false)
	pass(o, "web", "b", "b", get())
	pass(o, "mail", "b", "b", get())
	for range 2 { // it begins anew, and stays
		text = scrape(o)
		has("back", text, `traefik_router_requests_total{code="200",method="GET",protocol="http",router="b",service="b"} 2`, true)
		has("back", text, `traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 4`, true)
		has("back", text, `traefik_service_retries_total{service="b"} 2`, true)
	}
}

// TestForgetService has a router go on with another service: the series of both are
// those of the pair.
func TestForgetService(t *testing.T) {
	t.Parallel()
	o := counted(t, config.Prometheus{})
	o.Keep(observe.Alive{EntryPoints: set("web"), Routers: set("a"), Services: set("old")})
	pass(o, "web", "a", "old", get())
	o.Keep(observe.Alive{EntryPoints: set("web"), Routers: set("a"), Services: set("new")})
	pass(o, "web", "a", "new", get())
	scrape(o)
	text := scrape(o)
	if strings.Contains(text, `service="old"`) || !strings.Contains(text, `router="a",service="new"`) {
		t.Errorf("got\n%s", text)
	}
}

// TestForgetWhileCounting has requests, reloads and two scrapers at once: what is alive
// all the while loses nothing.
func TestForgetWhileCounting(t *testing.T) {
	t.Parallel()
	const requests = 400
	o := counted(t, config.Prometheus{})
	lives := [2]observe.Alive{
		{EntryPoints: set("web"), Routers: set("a", "b"), Services: set("a", "b")}, {EntryPoints: set("web"), Routers: set("a"),
			Services: set("a")},
	}
	o.Keep(lives[0])
	var group, others sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if i == 0 {
					o.Keep(lives[n%2])
				} else {
					scrape(o)
				}
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for range requests {
				pass(o, "web", "a", "a", get())
				pass(o, "web", "b", "b", get())
			}
		})
	}
	group.Wait()
	close(stop)
	others.Wait()
	if text := scrape(o); !strings.Contains(text,
		`traefik_router_requests_total{code="200",method="GET",protocol="http",router="a",service="a"} 800`) ||
		!strings.Contains(text, `traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 1600`) {
		t.Errorf("got\n%s", text)
	}
}

func TestBytesAndTLS(t *testing.T) {
	t.Parallel()
	o := counted(t, config.Prometheus{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := o.Begin(w, r, "websecure")
		defer e.End()
		e.SetRoute("shop", "all", nil)
		body := &counter{ReadCloser: r.Body}
		e.Receive(body)
		e.SetServer("part", &url.URL{Scheme: "http", Host: "127.0.0.1:4000"})
		_, _ = io.Copy(e, body)
		e.Answered(http.StatusOK, body.n.Load())
	}))
	s.StartTLS()
	defer s.Close()
	for range 2 {
		res, err := s.Client().Post(s.URL, "text/plain", strings.NewReader("twelve bytes"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	s.Close() // the handlers have ended
	text := scrape(o)
	for _, want := range []string{
		`traefik_entrypoint_requests_bytes_total{code="200",entrypoint="websecure",method="POST",protocol="http"} 24`,
		`traefik_entrypoint_responses_bytes_total{code="200",entrypoint="websecure",method="POST",protocol="http"} 24`,
		`traefik_entrypoint_requests_tls_total{entrypoint="websecure",tls_cipher="TLS_AES_128_GCM_SHA256",tls_version="1.3"} 2`,
		`traefik_router_requests_bytes_total{code="200",method="POST",protocol="http",router="shop",service="all"} 24`,
		`traefik_router_requests_tls_total{router="shop",service="all",tls_cipher="TLS_AES_128_GCM_SHA256",tls_version="1.3"} 2`,
		`traefik_service_requests_bytes_total{code="200",method="POST",protocol="http",service="part"} 24`,
		`traefik_service_requests_tls_total{service="part",tls_cipher="TLS_AES_128_GCM_SHA256",tls_version="1.3"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header, answer http.Header
		want           string
	}{
		"OK/WebSocket": {http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"WebSocket"}}, nil,
			`code="200",method="GET",protocol="websocket"`},
		"OK/Events": {http.Header{"Accept": {"text/html, text/event-stream"}}, nil, `code="200",method="GET",protocol="sse"`},
		"OK/GRPC": {http.Header{"Content-Type": {"application/grpc+proto"}}, http.Header{"Grpc-Status": {"5"}},
			`code="5",method="GET",protocol="grpc"`},
		"OK/Trailer": {http.Header{"Content-Type": {"application/grpc"}}, http.Header{"Trailer:Grpc-Status": {"0"}},
			`code="0",method="GET",protocol="grpc"`},
		"ErrGRPCCode": {http.Header{"Content-Type": {"application/grpc-web"}}, http.Header{"Grpc-Status": {"99"}},
			`code="2",method="GET",protocol="grpc-web"`},
		"OK/HTTP": {http.Header{"Upgrade": {"h2c"}, "Connection": {"Upgrade"}, "Accept": {"text/html"}}, nil,
			`code="200",method="GET",protocol="http"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := counted(t, config.Prometheus{})
			r := get()
			r.Header = tt.header
			e := o.Begin(httptest.NewRecorder(), r, "web")
			e.SetRoute("a", "a", nil)
			for name, values := range tt.answer {
				e.Header()[name] = values
			}
			e.WriteHeader(http.StatusOK)
			e.End()
			if text := scrape(o); !strings.Contains(text, "traefik_router_requests_total{"+tt.want+`,router="a",service="a"} 1`) {
				t.Errorf("want %s, got\n%s", tt.want, text)
			}
		})
	}
}

func TestHeaderLabels(t *testing.T) {
	t.Parallel()
	o := counted(t, config.Prometheus{HeaderLabels: map[string]string{"tenant": "x-tenant", "client": "X-Client"}})
	ask := func(tenant string) {
		r := get()
		r.Header.Set("X-Tenant", tenant)
		pass(o, "web", "a", "a", r)
	}
	for range 2 {
		ask("blue")
	}
	ask("b\xffad")
	ask(strings.Repeat("x", 1000))
	ask(strings.Repeat("w", 256))
	for i := range 1100 {
		ask(strings.Repeat("y", i%50) + string(rune('a'+i%26)) + strings.Repeat("z", i/50))
	}
	text := scrape(o)
	for _, want := range []string{
		`traefik_router_requests_total{client="",code="200",method="GET",protocol="http",router="a",service="a",tenant="blue"} 2`,
		`tenant="bad"} 1`, `tenant="` + strings.Repeat("x", 256) + `…"} 1`,
		`tenant="` + strings.Repeat("w", 256) + `"} 1`, `tenant="overflow"}`,
		`traefik_router_request_duration_seconds_count{code="200",method="GET",protocol="http",router="a",service="a"} 1105`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if n := strings.Count(text, "traefik_router_requests_total{"); n > 1001 {
		t.Errorf("got %d series", n)
	}
}

func TestErrMetricsSettings(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]config.Prometheus{
		"Buckets":       {Buckets: []float64{1, 0.5}},
		"BucketTwice":   {Buckets: []float64{1, 1}},
		"LabelName":     {HeaderLabels: map[string]string{"a-b": "X"}},
		"LabelReserved": {HeaderLabels: map[string]string{"code": "X"}},
		"LabelOwn":      {HeaderLabels: map[string]string{"__a": "X"}},
		"NoHeader":      {HeaderLabels: map[string]string{"a": ""}},
	} {
		o := counted(t, config.Prometheus{})
		if err := o.Apply(&config.Static{Metrics: &config.Metrics{Prometheus: &p}}); err == nil {
			t.Errorf("%s: no error", name)
		}
		pass(o, "web", "a", "a", get()) // those before go on
		if text := scrape(o); !strings.Contains(text, `router="a",service="a"} 1`) {
			t.Errorf("%s: got\n%s", name, text)
		}
	}
}

// TestNothingAlive forgets none as long as nobody says what there is.
func TestNothingAlive(t *testing.T) {
	t.Parallel()
	o := counted(t, config.Prometheus{})
	pass(o, "web", "a", "a", get())
	scrape(o)
	if text := scrape(o); !strings.Contains(text, `router="a"`) {
		t.Errorf("got\n%s", text)
	}
}

// TestQuiet has a router say a part of what its entrypoint says of all.
func TestQuiet(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	for name, tt := range map[string]struct {
		entry, router *config.Observability
		counted       bool
	}{
		"Neither":    {nil, nil, true},
		"EntryPoint": {&config.Observability{Metrics: &no}, nil, false},
		"Part":       {&config.Observability{Metrics: &no}, &config.Observability{AccessLogs: &no}, false},
		"Router":     {&config.Observability{Metrics: &no}, &config.Observability{Metrics: &yes}, true},
	} {
		o := counted(t, config.Prometheus{})
		e := o.Begin(httptest.NewRecorder(), get(), "web")
		e.SetRoute("", "", tt.entry)
		e.SetRoute("a", "a", tt.router)
		e.End()
		if text := scrape(o); strings.Contains(text, `router="a"`) != tt.counted {
			t.Errorf("%s: got\n%s", name, text)
		}
	}
}
