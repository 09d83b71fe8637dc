package proxy_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// named are servers that answer with their names, and count.
func named(t *testing.T, names ...string) (urls []string, hits map[string]*atomic.Int64) {
	t.Helper()
	hits = map[string]*atomic.Int64{}
	for _, n := range names {
		count := &atomic.Int64{}
		hits[n] = count
		urls = append(urls, serve(t, func(w http.ResponseWriter, _ *http.Request) { count.Add(1); _, _ = io.WriteString(w, n) }))
	}
	return urls, hits
}

func balancer(t *testing.T, name string, lb *config.LoadBalancer) *proxy.Balancer {
	t.Helper()
	p := proxy.New(proxy.Options{})
	b, err := p.Balancer(name, lb, transport(t, p))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// ask sends a request straight to a service.
func ask(s http.Handler, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://a.localhost/", nil)
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	three, one := 3, 1
	for strategy, check := range map[string]func(a, b int64) bool{
		"":          func(a, b int64) bool { return a == 30 && b == 10 },
		"wrr":       func(a, b int64) bool { return a == 30 && b == 10 },
		"p2c":       func(a, b int64) bool { return a > 0 && b > 0 },
		"leasttime": func(a, b int64) bool { return a > 0 && b > 0 },
		"hrw":       func(a, b int64) bool { return a == 40 || b == 40 },
	} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			urls, hits := named(t, "a", "b")
			b := balancer(t, "svc", &config.LoadBalancer{Strategy: strategy,
				Servers: []config.Server{{URL: urls[0], Weight: &three}, {URL: urls[1], Weight: &one}}})
			for range 40 {
				ask(b)
			}
			if a, z := hits["a"].Load(), hits["b"].Load(); !check(a, z) {
				t.Errorf("got %d and %d", a, z)
			}
		})
	}
	t.Run("ErrUnknown", func(t *testing.T) {
		t.Parallel()
		p := proxy.New(proxy.Options{})
		if _, err := p.Balancer("svc", &config.LoadBalancer{Strategy: "best"}, transport(t, p)); err == nil ||
			!strings.Contains(err.Error(), `strategy "best"`) {
			t.Errorf("got %v", err)
		}
	})
}

// TestHRW spreads many clients, each to one server.
func TestHRW(t *testing.T) {
	t.Parallel()
	urls, hits := named(t, "a", "b", "c")
	b := balancer(t, "svc", &config.LoadBalancer{Strategy: "hrw", Servers: servers(urls...).Servers})
	for i := range 60 {
		from := func(r *http.Request) {
			r.RemoteAddr = "10.0.0." + string(rune('0'+i%10)) + string(rune('0'+i/10)) + ":1"
		}
		if first, second := ask(b, from).Body.String(), ask(b, from).Body.String(); first != second {
			t.Fatalf("a client was at %q, then at %q", first, second)
		}
	}
	for name, n := range hits {
		if n.Load() == 0 {
			t.Errorf("%s got no client", name)
		}
	}
}

func TestSticky(t *testing.T) {
	t.Parallel()
	urls, _ := named(t, "a", "b")
	b := balancer(t, "svc", &config.LoadBalancer{Servers: servers(urls...).Servers,
		Sticky: &config.Sticky{Cookie: &config.Cookie{Name: "at", HTTPOnly: true, SameSite: "lax"}}})
	first := ask(b)
	cookie := first.Result().Cookies()[0]
	if cookie.Name != "at" || len(cookie.Value) != 16 || cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookie: got %v", cookie)
	}
	for range 5 {
		w := ask(b, func(r *http.Request) { r.AddCookie(cookie) })
		if w.Body.String() != first.Body.String() || len(w.Result().Cookies()) != 0 {
			t.Errorf("got %q with cookies %v, want %q without", w.Body.String(), w.Result().Cookies(), first.Body.String())
		}
	}
	w := ask(b, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "at", Value: "nobody"}) })
	if w.Code != 200 || len(w.Result().Cookies()) != 1 {
		t.Errorf("an unknown ticket: got %d with cookies %v", w.Code, w.Result().Cookies())
	}
}

func TestPassiveHealth(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(500)
		}
	})
	b := balancer(t, "svc", &config.LoadBalancer{Servers: servers(url).Servers,
		PassiveHealthCheck: &config.PassiveHealthCheck{MaxFailedAttempts: 2, FailureWindow: config.Duration(3 * time.Second)}})
	back := make(chan bool, 10)
	b.OnChange(func(up bool) { back <- up })
	for i, want := range []int{500, 500, 503} {
		if w := ask(b); w.Code != want {
			t.Errorf("request %d: got %d, want %d", i+1, w.Code, want)
		}
	}
	broken.Store(false)
	for _, want := range []bool{false, true} {
		select {
		case up := <-back:
			if up != want {
				t.Errorf("up: got %t, want %t", up, want)
			}
		case <-time.After(patience):
			t.Fatal("the server does not come back")
		}
	}
	if w := ask(b); w.Code != 200 {
		t.Errorf("after that: got %d, want 200", w.Code)
	}
}

func TestWeighted(t *testing.T) {
	t.Parallel()
	urls, hits := named(t, "a", "b")
	three := 3
	a, z := balancer(t, "a", servers(urls[0])), balancer(t, "b", servers(urls[1]))
	w, err := proxy.NewWeighted("w",
		&config.Weighted{Services: []config.WeightedService{{Name: "a", Weight: &three}, {Name: "b"}}, HealthCheck: &config.ChildHealth{}},
		[]proxy.Service{a, z})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		ask(w)
	}
	if got := hits["a"].Load(); got != 6 || !w.Up() || len(w.Servers()) != 2 {
		t.Errorf("got %d of 8 at a, up %t, servers %v", got, w.Up(), w.Servers())
	}
}

// flaky is a service that is up or down as it is set.
type flaky struct {
	http.HandlerFunc
	up   atomic.Bool
	told []*func(bool)
}

func newFlaky(text string, status int) *flaky {
	f := &flaky{HandlerFunc: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-From", text)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text+string(body))
	}}
	f.up.Store(true)
	return f
}

func (f *flaky) Up() bool                     { return f.up.Load() }
func (f *flaky) Servers() []proxy.Status      { return nil }
func (f *flaky) ProbeSoon()                   {}
func (f *flaky) AwaitUp(context.Context) bool { return f.Up() }
func (f *flaky) Close()                       {}
func (f *flaky) set(up bool) {
	f.up.Store(up)
	for _, tell := range f.told {
		(*tell)(up)
	}
}

func (f *flaky) OnChange(tell func(bool)) (remove func()) {
	f.told = append(f.told, &tell)
	return func() { f.told = slices.DeleteFunc(f.told, func(t *func(bool)) bool { return t == &tell }) }
}

func TestFailover(t *testing.T) {
	t.Parallel()
	main, second := newFlaky("main ", 200), newFlaky("second ", 200)
	f, err := proxy.NewFailover("f", &config.Failover{HealthCheck: &config.ChildHealth{}}, main, second)
	if err != nil {
		t.Fatal(err)
	}
	var told []bool
	f.OnChange(func(up bool) { told = append(told, up) })
	if got := ask(f).Body.String(); got != "main " {
		t.Errorf("got %q", got)
	}
	main.set(false)
	if got := ask(f).Body.String(); got != "second " {
		t.Errorf("main is down: got %q", got)
	}
	second.set(false)
	if f.Up() || len(told) != 1 || told[0] {
		t.Errorf("both are down: up %t, told %v", f.Up(), told)
	}
	broken := newFlaky("broken ", 502)
	f, err = proxy.NewFailover("f", &config.Failover{Errors: &config.FailoverErrors{Status: []string{"500-599"}}}, broken, second)
	if err != nil {
		t.Fatal(err)
	}
	w := ask(f, func(r *http.Request) { r.Method, r.Body = "POST", io.NopCloser(strings.NewReader("body")) })
	if w.Code != 200 || w.Body.String() != "second body" || w.Header().Get("X-From") != "second " {
		t.Errorf("a failed answer: got %d %q %v", w.Code, w.Body.String(), w.Header())
	}
	if _, err := proxy.NewFailover("f", &config.Failover{Errors: &config.FailoverErrors{Status: []string{"5xx"}}}, main, second); err == nil {
		t.Error("5xx was taken for a status")
	}
}

func TestMirroring(t *testing.T) {
	t.Parallel()
	copies := make(chan string, 100)
	mirror := &flaky{HandlerFunc: func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		copies <- string(body)
	}}
	m, err := proxy.NewMirroring("m", &config.Mirroring{Mirrors: []config.Mirror{{Name: "copy", Percent: 50}}}, newFlaky("main ", 200),
		[]proxy.Service{mirror}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		w := ask(m, func(r *http.Request) { r.Method, r.Body = "POST", io.NopCloser(strings.NewReader("body")) })
		if w.Body.String() != "main body" {
			t.Errorf("got %q", w.Body.String())
		}
	}
	for range 5 {
		select {
		case got := <-copies:
			if got != "body" {
				t.Errorf("copy: got %q", got)
			}
		case <-time.After(patience):
			t.Fatal("a copy is missing")
		}
	}
	m.Close()
	if len(copies) != 0 {
		t.Errorf("got %d copies too many", len(copies))
	}
	if _, err := proxy.NewMirroring("m", &config.Mirroring{Mirrors: []config.Mirror{{Percent: 101}}}, mirror, []proxy.Service{mirror},
		nil); err == nil {
		t.Error("101 percent were taken")
	}
}

func TestWaitingPage(t *testing.T) {
	t.Parallel()
	b := balancer(t, `<svc>`, servers("http://127.0.0.1:1"))
	w := ask(b, func(r *http.Request) { r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") })
	if w.Code != 502 || w.Header().Get("Refresh") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	for _, want := range []string{"&lt;svc&gt;", "127.0.0.1:1", "Start your process"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, w.Body.String())
		}
	}
	w = ask(b)
	var problem map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem["status"] != 502.0 || problem["server"] != "http://127.0.0.1:1" {
		t.Errorf("got %s, %v", w.Body.String(), err)
	}
	w = ask(b, func(r *http.Request) { r.Header.Set("Content-Type", "application/grpc") })
	if w.Code != 200 || w.Header().Get("Grpc-Status") != "14" {
		t.Errorf("gRPC: got %d %v", w.Code, w.Header())
	}
	if w = ask(balancer(t, "none", servers())); w.Code != 503 || !strings.Contains(w.Body.String(), "no available server") {
		t.Errorf("no servers: got %d %s", w.Code, w.Body.String())
	}
}

func TestH2CServer(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.Config.Protocols = &http.Protocols{}
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	b := balancer(t, "svc", servers(strings.Replace(s.URL, "http://", "h2c://", 1)))
	if got := ask(b).Body.String(); got != "HTTP/2.0" {
		t.Errorf("got %q, want HTTP/2.0", got)
	}
}

func TestServersTransport(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	t.Cleanup(s.Close)
	for name, tt := range map[string]struct {
		c    config.ServersTransport
		want int
	}{"ErrUntrusted": {config.ServersTransport{}, 502}, "OK": {config.ServersTransport{InsecureSkipVerify: true}, 200},
		"OK/HTTP1": {config.ServersTransport{InsecureSkipVerify: true, DisableHTTP2: true}, 200}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := proxy.New(proxy.Options{})
			tr, err := p.Transport(&tt.c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(tr.Close)
			b, err := p.Balancer("svc", servers(s.URL), tr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			if w := ask(b); w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
		})
	}
	p := proxy.New(proxy.Options{})
	for _, c := range []config.ServersTransport{{MinVersion: "TLS9"}, {CipherSuites: []string{"none"}}, {RootCAs: []string{"/nonexistent"}},
		{Certificates: []config.KeyPair{{CertFile: "/nonexistent"}}}} {
		if _, err := p.Transport(&c); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}
