package gateway_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/explain"
)

// differ holds a gateway of which requests are asked of explain, and sent.
type differ struct {
	*gateway.Gateway
	addresses map[string]string // of entrypoints
}

func newDiffer(t *testing.T, compose string) *differ {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "compose.yaml"), compose)
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{filepath.Join(dir, "compose.yaml")}, FreePorts: true,
		CADir: filepath.Join(dir, "ca"), StateDir: filepath.Join(dir, "state")})
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = g.Close(ctx)
		_ = g.Wait()
	})
	d := &differ{g, map[string]string{}}
	for _, e := range g.EntryPoints().List(g.API().Table()) {
		d.addresses[e.Name] = e.Address
	}
	return d
}

// send really sends a question. Err is of the connection or handshake.
func (d *differ) send(t *testing.T, q explain.Request) (*http.Response, string, error) {
	t.Helper()
	u, err := url.Parse(q.URL)
	if err != nil {
		t.Fatal(err)
	}
	address := d.addresses["web"]
	if u.Scheme == "https" || u.Scheme == "wss" {
		address = d.addresses["websecure"]
	}
	if u.Port() != "" {
		address = net.JoinHostPort("127.0.0.1", u.Port())
	}
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme] + u.Scheme[:len(u.Scheme)*b2i(strings.HasPrefix(u.Scheme, "http"))]
	req, err := http.NewRequest(q.Method, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range q.Header {
		req.Header[name] = values
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	if strings.HasPrefix(q.URL, "ws") {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "websocket")
	}
	tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: d.RootPool()},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	client := &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request,
		[]*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// same fails the test where what explain says of a request is not what becomes of it.
func (d *differ) same(t *testing.T, q explain.Request) {
	t.Helper()
	if q.Method == "" {
		q.Method = "GET"
	}
	a, err := d.API().Explainer.Explain(q)
	if err != nil {
		t.Errorf("explain %+v: %v", q, err)
		return
	}
	said := "404"
	switch {
	case strings.HasPrefix(a.Outcome, "421"):
		said = `421 by the gateway, to ""`
	case a.Outcome != "":
		said = "nothing"
	case a.Reply != nil:
		said = fmt.Sprintf("%d by the gateway, to %q", a.Reply.Status, a.Reply.Location)
	case a.Router != nil:
		said = fmt.Sprintf("taken by %s, asked for %s", a.Router.Name, a.Target)
	}
	resp, body, err := d.send(t, q)
	became := "nothing"
	switch {
	case err != nil:
	case resp.Header.Get("X-Router") != "":
		became = fmt.Sprintf("taken by %s, asked for %s", resp.Header.Get("X-Router"), body)
	case resp.StatusCode == http.StatusNotFound:
		became = "404"
	default:
		became = fmt.Sprintf("%d by the gateway, to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if said != became {
		t.Errorf("%+v: explain says %s, and it is %s (%v)\nanswer: %+v", q, said, became, err, a)
	}
}

// named is a router with a service that says its name and what it is asked for.
func named(t *testing.T, name, rule string, extra ...string) []string {
	return route(name, rule, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Router", name+"@docker")
		_, _ = io.WriteString(w, r.RequestURI)
	}), extra...)
}

func differRoutes(t *testing.T) []string {
	return slices.Concat(
		named(t, "plain", "Host(`a.localhost`)"),
		named(t, "secure", "Host(`a.localhost`)", "tls=true"),
		named(t, "api", "Host(`a.localhost`) && PathPrefix(`/api`)", "middlewares=strip", "priority=100"),
		named(t, "apitls", "Host(`a.localhost`) && PathPrefix(`/api`)", "middlewares=strip", "priority=100", "tls=true"),
		named(t, "post", "Host(`a.localhost`) && Method(`POST`)", "priority=101"),
		named(t, "query", "Host(`a.localhost`) && Query(`v`, `2`)", "priority=102"),
		named(t, "header", "Host(`a.localhost`) && Header(`X-Version`, `2`)", "priority=103"),
		named(t, "exact", "Path(`/exact/b c`)", "priority=104"),
		named(t, "regexp", "HostRegexp(`^[a-z]+-x\\.localhost$`)", "tls=true"),
		named(t, "regexpplain", "HostRegexp(`^[a-z]+-x\\.localhost$`)"),
		named(t, "six", "Host(`::1`)"),
		named(t, "tie1", "Host(`t.localhost`) && PathPrefix(`/`)", "priority=5"),
		named(t, "tie2", "Host(`t.localhost`) && PathPrefix(`/x`)", "priority=5"),
		named(t, "redirect", "Host(`r.localhost`)", "middlewares=toscheme"),
		named(t, "moved", "Host(`m.localhost`)", "middlewares=toregex"),
		named(t, "denied", "Host(`d.localhost`)", "middlewares=deny"),
		named(t, "auth", "Host(`p.localhost`)", "middlewares=auth,strip"),
		named(t, "cors", "Host(`c.localhost`)", "middlewares=cors"),
		named(t, "chain", "Host(`ch.localhost`)", "middlewares=both"),
		named(t, "off", "Host(`off.localhost`)", "middlewares=missing"),
		named(t, "client", "ClientIP(`127.0.0.1`) && Host(`i.localhost`)"),
		[]string{
			"http.middlewares.strip.stripprefix.prefixes=/api", "http.middlewares.toscheme.redirectscheme.scheme=https",
			"http.middlewares.toscheme.redirectscheme.port=444",
			"http.middlewares.toregex.redirectregex.regex=^(https?)://m.localhost/old/(.*)",
			"http.middlewares.toregex.redirectregex.replacement=$1://m.localhost/new/$2",
			"http.middlewares.deny.ipallowlist.sourcerange=10.0.0.0/8",
			"http.middlewares.auth.basicauth.users=u:$$apr1$$H6uskkkW$$IgXLP6ewTrSuBkTrqE8wj/",
			"http.middlewares.cors.headers.accesscontrolalloworiginlist=https://o.localhost",
			"http.middlewares.cors.headers.accesscontrolallowmethods=GET",
			"http.middlewares.both.chain.middlewares=add,strip", "http.middlewares.add.addprefix.prefix=/api",
		})
}

// TestExplainDiffers sends what explain is asked.
func TestExplainDiffers(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	t.Parallel()
	d := newDiffer(t, compose(differRoutes(t)...))
	for _, q := range []explain.Request{
		{URL: "http://a.localhost/"}, {URL: "https://a.localhost/"}, {URL: "http://A.LOCALHOST/x"}, {URL: "http://a.localhost./x"},
		{URL: "https://a.localhost/api/x?y=1"},
		{URL: "http://a.localhost", Header: http.Header{"Host": {"a.localhost:1234"}}}, {URL: "http://[::1]/x",
			Header: http.Header{"Host": {"[::1]:80"}}},
		{URL: "http://a.localhost/", Method: "POST"}, {URL: "http://a.localhost/?v=2"}, {URL: "http://a.localhost/?v=2&v=3"},
		{URL: "http://a.localhost/?v=%32"},
		{URL: "http://a.localhost/", Header: http.Header{"X-Version": {"2"}}}, {URL: "http://q.localhost/exact/b%20c"},
		{URL: "http://q.localhost/%65xact//./b%20c"},
		{URL: "http://a.localhost//api/../api/x"}, {URL: "http://a.localhost/%61pi/x"}, {URL: "http://a.localhost/api%2Fx"},
		{URL: "http://a.localhost/a%2fb"}, {URL: "http://a.localhost/../../api"},
		{URL: "https://ab-x.localhost/"}, {URL: "http://ab-x.localhost/"}, {URL: "http://ab-X.localhost/"}, {URL: "http://t.localhost/x"},
		{URL: "http://r.localhost/p?q=1"},
		{URL: "http://m.localhost/old/x?y"}, {URL: "http://m.localhost/other"}, {URL: "http://d.localhost/"}, {URL: "http://p.localhost/api/x"},
		{URL: "http://p.localhost/api/x", Header: http.Header{"Authorization": {"Basic dTp3cm9uZw=="}}}, {URL: "http://ch.localhost/x"},
		{URL: "http://off.localhost/"},
		{URL: "http://c.localhost/", Method: "OPTIONS", Header: http.Header{"Origin": {"https://o.localhost"},
			"Access-Control-Request-Method": {"GET"}}},
		{URL: "http://i.localhost/"}, {URL: "http://none.localhost/"}, {URL: "https://none.localhost/"}, {URL: "ws://a.localhost/api/ws"},
		{URL: "wss://a.localhost/api/ws"},
		{URL: "http://a.localhost:" + portOf(d.addresses["websecure"]) + "/"}, {URL: "https://a.localhost:" + portOf(d.addresses["web"]) + "/"},
		{URL: "http://a.localhost:1/"},
		{URL: "https://a.localhost:" + portOf(d.addresses["websecure"]) + "/api"}, {URL: "http://a.localhost/x#fragment"},
		{URL: "http://u:p@p.localhost/"},
		{URL: "http://a.localhost/", Header: http.Header{"Host": {"[::1"}}}, {URL: "http://a.localhost/%zz"[:len("http://a.localhost/")]},
		{URL: "http://x/", Header: http.Header{"Host": {"t.localhost"}}},
		{URL: "https://a.localhost/", Header: http.Header{"Host": {"none.localhost"}}}, {URL: "http://a.localhost/api/..%2f..%2fadmin"},
		{URL: "http://a.localhost/api../admin"},
	} {
		d.same(t, q)
	}
	pick := func(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }
	random := rand.New(rand.NewPCG(1, 12))
	for range 400 {
		q := explain.Request{Method: pick(random, "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"), Header: http.Header{}}
		q.URL = "http://" + pick(random, "a", "A", "t", "r", "m", "d", "p", "c", "ch", "off", "i", "b-x", "zz-X", "none", "q")
		if random.IntN(3) == 0 { // of hosts with certificates: others are waited for
			q.URL = "https://" + pick(random, "a", "A", "b-x", "zz-X")
		}
		q.URL += pick(random, ".localhost", ".localhost", ".localhost.", ".LOCALHOST") +
			pick(random, "", "/", "/api", "/api/", "/apix", "//api", "/%61pi", "/api/../x", "/old/y", "/x", "/exact/b%20c", "/exact/b+c",
				"/api%2f", "/.//x/", "/x;y=1") + pick(random, "", "?", "?v=2", "?v=1&v=2", "?v", "?V=2", "?v=2;w=1")
		if random.IntN(3) == 0 {
			q.Header.Set("X-Version", pick(random, "1", "2", "2 "))
		}
		if random.IntN(6) == 0 {
			q.Header.Set("Origin", pick(random, "https://o.localhost", "https://e.localhost"))
			q.Header.Set("Access-Control-Request-Method", "GET")
		}
		if q.Method == "HEAD" { // its body is not sent
			q.Method = "PATCH"
		}
		d.same(t, q)
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// TestExplainEntrypoints is TestExplainDiffers for redirections of entrypoints, their
// middlewares, and those beside web and websecure.
func TestExplainEntrypoints(t *testing.T) {
	t.Parallel()
	d := newDiffer(t, compose(slices.Concat(
		named(t, "a", "Host(`a.localhost`)", "tls=true"),
		named(t, "x", "Host(`a.localhost`)", "entrypoints=extra"),
		named(t, "xtls", "Host(`a.localhost`) && PathPrefix(`/s`)", "entrypoints=extra", "tls=true"),
		named(t, "plain", "Host(`a.localhost`) && PathPrefix(`/x`)", "entrypoints=web", "priority=9223372036854774807"),
		[]string{"http.middlewares.deny.ipallowlist.sourcerange=10.0.0.0/8"})...)+proxyHead+
		"      - --entrypoints.web.address=:80\n      - --entrypoints.web.http.redirections.entrypoint.to=websecure\n"+
		"      - --entrypoints.websecure.address=:443\n"+
		"      - --entrypoints.extra.address=:8089\n      - --entrypoints.guarded.address=:8090\n"+
		"      - --entrypoints.guarded.http.middlewares=deny@docker\n")
	extra, guarded := portOf(d.addresses["extra"]), portOf(d.addresses["guarded"])
	for _, u := range []string{"http://a.localhost/p?q=1", "http://a.localhost/x", "http://none.localhost/", "https://a.localhost/",
		"http://a.localhost:" + extra + "/",
		"https://a.localhost:" + extra + "/s/1", "https://a.localhost:" + extra + "/", "http://a.localhost:" + extra + "/s/1",
		"http://a.localhost:" + guarded + "/", "https://a.localhost:" + guarded + "/"} {
		d.same(t, explain.Request{URL: u})
	}
	if a, err := d.API().Explainer.Explain(explain.Request{URL: "http://a.localhost:8089/"}); err != nil || a.EntryPoint != "extra" {
		t.Errorf("the port in the container: got %+v, %v", a, err)
	}
	a, err := d.API().Explainer.Explain(explain.Request{URL: "https://a.localhost:8099/"})
	if err != nil || a.EntryPoint != "" || !strings.Contains(a.Outcome, "nothing listens at port 8099: the entrypoints are extra at "+extra) {
		t.Errorf("an unknown port: got %+v, %v", a, err)
	}
}

// TestExplainTCP looks at routers of raw connections on an entrypoint of HTTPS.
func TestExplainTCP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{}, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			seen <- struct{}{}
			_ = c.Close()
		}
	}()
	defer l.Close()
	d := newDiffer(t, compose(slices.Concat(named(t, "a", "Host(`a.localhost`)", "tls=true"), named(t, "any", "PathPrefix(`/`)", "tls=true"),
		[]string{
			"tcp.routers.db.rule=HostSNI(`db.localhost`) || HostSNI(`a.localhost`)", "tcp.routers.db.tls.passthrough=true",
			"tcp.routers.db.entrypoints=websecure",
			"tcp.routers.rest.rule=HostSNI(`*`)", "tcp.routers.rest.tls.passthrough=true", "tcp.routers.rest.entrypoints=websecure",
			"tcp.services.db.loadbalancer.server.port=" + portOf(l.Addr().String()),
		})...))
	a, err := d.API().Explainer.Explain(explain.Request{URL: "https://db.localhost/"})
	if err != nil || !strings.Contains(a.Outcome, "TCP router db@docker") || a.Router != nil {
		t.Errorf("got %+v, %v; want the TCP router", a, err)
	}
	if _, _, err := d.send(t, explain.Request{URL: "https://db.localhost/", Method: "GET"}); err == nil {
		t.Error("got an answer, want the TCP router's server to hang up")
	}
	await(t, seen, "the server of the TCP router")
	d.same(t, explain.Request{URL: "https://a.localhost/"}) // the HTTPS router names the host
	if a, err = d.API().Explainer.Explain(explain.Request{URL: "https://other.localhost/"}); err != nil || a.Outcome != "" {
		t.Errorf("got %+v, %v; want the HTTPS router for any host", a, err)
	}
}

// TestExplainUnserved reports a service that is not enabled.
func TestExplainUnserved(t *testing.T) {
	t.Parallel()
	d := newDiffer(t, "services:\n  a:\n    expose: [80]\n    labels: [\"traefik.http.routers.a.rule=Host(`a.localhost`)\"]\n  b:\n"+
		"    expose: [80]\n    profiles: [debug]\n"+
		"    labels: [traefik.enable=true, \"traefik.http.routers.b.rule=Host(`b.localhost`)\"]\n"+proxyHead+
		"      - --providers.docker.exposedbydefault=false\n")
	for host, why := range map[string]string{"a": "traefik.enable is missing", "b": "its profile is not active: debug"} {
		a, err := d.API().Explainer.Explain(explain.Request{URL: "http://" + host + ".localhost/"})
		if err != nil || a.Router != nil || len(a.Unserved) != 1 || a.Unserved[0].Service != host || !strings.Contains(a.Unserved[0].Why, why) {
			t.Errorf("%s: got %+v, %v; want %s", host, a, err, why)
			continue
		}
		var text strings.Builder
		if err := explain.Print(&text, a); err != nil || !strings.Contains(text.String(),
			"The service "+host+" has labels for it (router "+host) {
			t.Errorf("got %q, %v", text.String(), err)
		}
	}
}
