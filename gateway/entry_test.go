package gateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"axion/gateway/config"
)

// traefik is a compose service that starts Traefik itself with these arguments.
func traefik(args ...string) string {
	var b strings.Builder
	b.WriteString("  traefik:\n    image: traefik:v3.7\n    command:\n")
	for _, a := range args {
		b.WriteString("      - " + a + "\n")
	}
	return b.String()
}

func (s *stack) entrypoint(name string) string {
	for _, e := range s.EntryPoints().List(s.Table()) {
		if slices.Contains(e.Names, name) {
			return e.Address
		}
	}
	return ""
}

// TestEntryPoints opens an entrypoint that the compose file has Traefik open, both
// with and without TLS, and closes it when the file no longer does.
func TestEntryPoints(t *testing.T) {
	t.Parallel()
	free := port0(t)
	_, number, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	routes := compose(slices.Concat(
		route("plain", "Host(`a.localhost`)", upstream(t, "plain"), "entrypoints=admin"),
		route("secure", "Host(`a.localhost`)", upstream(t, "secure"), "entrypoints=admin", "tls=true"),
		route("http", "Host(`b.localhost`)", upstream(t, "http"), "entrypoints=http"),
	)...)
	s := start(t, routes+traefik("--entrypoints.http.address=:80", "--entrypoints.admin.address=:"+number))
	at := s.entrypoint("admin")
	if !strings.HasSuffix(at, ":"+number) {
		t.Fatalf("admin: got %q, want port %s", at, number)
	}
	ask := func(scheme string) string {
		req, err := http.NewRequest("GET", scheme+"://"+at+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.localhost"
		tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
		res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	want(t, "plain", ask("http"), "plain")
	want(t, "secure", ask("https"), "secure")
	_, body := get(t, s.client(), "http://b.localhost/")
	want(t, "the other name of web", body, "http")

	s.save(compose(route("http", "Host(`b.localhost`)", upstream(t, "http"))...))
	eventually(t, "the entrypoint is closed", func() bool {
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

func TestEntryPointBusy(t *testing.T) {
	t.Parallel()
	taken := port0(t)
	defer taken.Close()
	_, number, _ := net.SplitHostPort(taken.Addr().String())
	s := start(t, "services:\n"+traefik("--entrypoints.admin.address=:"+number))
	if !slices.ContainsFunc(s.Problems(), func(p config.Problem) bool { return strings.Contains(p.Message, `"admin" cannot be opened`) }) {
		t.Errorf("problems: got %v, want one of the busy port", s.Problems())
	}
}

// TestRedirections sends all of web to websecure, at the port where that is.
func TestRedirections(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "a"))...)+traefik(
		"--entrypoints.web.address=:80", "--entrypoints.websecure.address=:443",
		"--entrypoints.web.http.redirections.entrypoint.to=websecure"))
	res, err := s.client().Get("http://a.localhost/x?y=z")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	_, number, _ := net.SplitHostPort(s.secure)
	want(t, "status", res.StatusCode, http.StatusMovedPermanently)
	want(t, "location", res.Header.Get("Location"), "https://a.localhost:"+number+"/x?y=z")
}

// TestEntryPointTLS gives routers TLS that do not ask for it themselves.
func TestEntryPointTLS(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "a"), "entrypoints=web,websecure")...)+traefik(
		"--entrypoints.web.address=:80", "--entrypoints.websecure.address=:443", "--entrypoints.websecure.http.tls=true"))
	for _, scheme := range []string{"http", "https"} {
		if status, body := get(t, s.client(), scheme+"://a.localhost/"); status != 200 || body != "a" {
			t.Errorf("%s: got %d %q", scheme, status, body)
		}
	}
}

func TestHTTP3(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "over QUIC"), "tls=true")...))
	tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
	defer tr.Close()
	req, err := http.NewRequest("GET", "https://"+s.secure+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "a.localhost"
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "over QUIC" || res.ProtoMajor != 3 {
		t.Errorf("got %q over %s, %v", body, res.Proto, err)
	}
	over, err := s.client().Get("https://a.localhost/")
	if err != nil {
		t.Fatal(err)
	}
	_ = over.Body.Close()
	_, number, _ := net.SplitHostPort(s.secure)
	want(t, "Alt-Svc", over.Header.Get("Alt-Svc"), `h3=":`+number+`"; ma=86400`)
}

func TestH2C(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "h2c"))...))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequest("GET", "http://"+s.http+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "a.localhost"
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if string(body) != "h2c" || res.ProtoMajor != 2 {
		t.Errorf("got %q over %s", body, res.Proto)
	}
}

func TestInternalServices(t *testing.T) {
	t.Parallel()
	s := start(t, compose(
		"http.routers.api.rule=Host(`t.localhost`)", "http.routers.api.service=api@internal",
		"http.routers.ping.rule=Host(`t.localhost`) && Path(`/ping`)", "http.routers.ping.service=ping@internal",
		"http.routers.m.rule=Host(`t.localhost`) && Path(`/metrics`)", "http.routers.m.service=prometheus@internal",
	))
	c := s.client()
	_, body := get(t, c, "http://t.localhost/ping")
	want(t, "ping", body, "OK")
	if _, body := get(t, c, "http://t.localhost/api/rawdata"); !strings.Contains(body, `"api@docker"`) {
		t.Errorf("rawdata: got %s", body)
	}
	if _, body := get(t, c, "http://t.localhost/metrics"); !strings.Contains(body,
		`traefik_entrypoint_requests_total{code="200",entrypoint="web"`) {
		t.Errorf("metrics: got %s", body)
	}
}
