package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/command"
	"axion/gateway/config"
	"axion/gateway/listen/peer"
	"axion/gateway/provider"
)

// ownStack is a gateway with a dashboard of the stack's, which the base layer
// leads to.
func ownStack(t *testing.T, compose string) (s *stack, dashboard string) {
	t.Helper()
	own := port0(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "dashboard") })}
	go func() { _ = server.Serve(own) }()
	t.Cleanup(func() { _ = server.Close() })
	kafka := port0(t)
	t.Cleanup(func() { _ = kafka.Close() })
	dashboard = own.Addr().String()
	dir := t.TempDir()
	s = &stack{t: t, file: filepath.Join(dir, "compose.yaml")}
	plain, secure := port0(t), port0(t)
	s.http, s.secure = plain.Addr().String(), secure.Addr().String()
	_, web, _ := net.SplitHostPort(s.http)
	_, dash, _ := net.SplitHostPort(dashboard)
	_, broker, _ := net.SplitHostPort(kafka.Addr().String())
	s.save(strings.NewReplacer("WEB", web, "DASH", dash, "KAFKA", broker).Replace(compose))
	g, err := gateway.New(gateway.Options{
		Web: plain, WebSecure: secure, Files: []string{s.file}, CADir: filepath.Join(dir, "ca"),
		Base: []provider.Source{{Name: "embedded", Data: []byte(document("axion",
			"http.routers.axion.rule=Host(`axion.localhost`)", "http.routers.axion-secure.rule=Host(`axion.localhost`)",
			"http.routers.axion-secure.tls=true", "http.services.axion.loadbalancer.server.port=1"))}},
		Addresses: map[string][]string{"axion": {dashboard}}, Guard: peer.New(peer.Options{}),
		Own: map[string]net.Addr{"dashboard": own.Addr(), "Kafka broker": kafka.Addr()},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Gateway, s.API = g, g.API()
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, dashboard
}

// No router of the user's leads to the stack itself, however its address is
// written; the stack's own do.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	var labels []string
	refused := map[string]string{
		"dashboard": "http://127.0.0.1:DASH", "path": "http://127.0.0.1:DASH/api", "name": "http://LOCALHOST:DASH",
		"sub": "http://a.b.localhost:DASH",
		"six": "http://[::1]:DASH", "mapped": "http://[::ffff:127.0.0.1]:DASH", "any": "http://0.0.0.0:DASH", "short": "http://127.1:DASH",
		"number": "http://2130706433:DASH", "tls": "https://127.0.0.1:DASH", "h2c": "h2c://127.0.0.1:DASH", "kafka": "http://127.0.0.1:KAFKA",
		"loop": "http://127.0.0.1:WEB",
	}
	for name, url := range refused {
		labels = append(labels, route(name, "Host(`"+name+".localhost`)", url)...)
	}
	good := upstream(t, "good")
	for name, middleware := range map[string]string{"authed": "forwardauth.address=http://localhost:DASH/x", "paged": "errors.service=loop"} {
		labels = append(labels, route(name, "Host(`"+name+".localhost`)", good, "middlewares="+name)...)
		labels = append(labels, "http.middlewares."+name+"."+middleware)
	}
	labels = append(labels, "http.middlewares.paged.errors.status=500", "http.middlewares.paged.errors.query=/")
	labels = append(labels, route("good", "Host(`good.localhost`)", good)...)
	labels = append(labels, "tcp.routers.raw.rule=HostSNI(`raw.localhost`)", "tcp.routers.raw.tls=true",
		"tcp.services.raw.loadbalancer.server.port=KAFKA")
	s, _ := ownStack(t, compose(labels...))

	problems := s.Problems()
	told := func(router, kind string) *config.Problem {
		for _, p := range problems {
			if strings.HasPrefix(p.Label, "traefik."+kind+".routers."+router+".") && strings.Contains(p.Message, "is this stack's own") {
				return &p
			}
		}
		return nil
	}
	for name := range refused {
		if p := told(name, "http"); p == nil || p.Fix == "" || p.File != s.file || p.Line == 0 {
			t.Errorf("%s: problem is %+v", name, p)
		}
		status, _ := get(t, s.client(), "http://"+name+".localhost/")
		want(t, name, status, 404)
	}
	for name, kind := range map[string]string{"authed": "http", "paged": "http", "raw": "tcp"} {
		if told(name, kind) == nil {
			t.Errorf("%s: no problem among %v", name, problems)
		}
	}
	for host, text := range map[string]string{"good": "good", "axion": "dashboard"} {
		for range 2 {
			status, body := get(t, s.client(), "http://"+host+".localhost/")
			want(t, host, fmt.Sprint(status, body), "200"+text)
		}
	}
	// A second reload is no way in.
	text, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	s.save(strings.ReplaceAll(string(text), "good.localhost", "better.localhost"))
	eventually(t, "the changed router", func() bool { status, _ := get(t, s.client(), "http://better.localhost/"); return status == 200 })
	status, _ := get(t, s.client(), "http://loop.localhost/")
	want(t, "after a reload", status, 404)
}

// The service that the stack brings may be given other labels.
func TestOwnServiceOverridden(t *testing.T) {
	t.Parallel()
	s, _ := ownStack(t, document("axion", "http.routers.mine.rule=Host(`mine.localhost`)", "http.services.mine.loadbalancer.server.port=1"))
	status, body := get(t, s.client(), "http://mine.localhost/")
	want(t, "answer", fmt.Sprint(status, body), "200dashboard")
}

func TestCheckTellsOwnAddresses(t *testing.T) {
	t.Parallel()
	for url, own := range map[string]string{
		"http://127.0.0.1:8900": "dashboard", "http://localhost:9092": "Kafka broker", "http://[::1]:8900": "dashboard",
		"http://127.0.0.1:4318": "", "http://127.0.0.1:9000": "entrypoint more",
		"http://127.0.0.1:8901": "",
	} {
		file := filepath.Join(t.TempDir(), "compose.yaml")
		write(t, file, compose(route("a", "Host(`a.localhost`)",
			url)...)+"  traefik:\n    image: traefik\n    command: [--entrypoints.more.address=:9000]\n")
		problems, err := command.Check(nil, []string{file})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(problems)
		if own == "" && len(problems) > 0 || own != "" && !strings.Contains(string(text), "this stack's own "+own) {
			t.Errorf("%s: got %s, want a problem about the %s", url, text, own)
		}
	}
}

// An authorization that is asked for at the gateway may be, but not about itself.
func TestForwardAuthLoop(t *testing.T) {
	t.Parallel()
	verify := upstream(t, "verified")
	labels := append(route("app", "Host(`app.localhost`)", upstream(t, "app"), "middlewares=auth"), route("auth", "Host(`127.0.0.1`)",
		verify)...)
	labels = append(labels, "http.middlewares.auth.forwardauth.address=http://127.0.0.1:WEB/")
	s, _ := ownStack(t, compose(labels...))
	for range 2 {
		status, body := get(t, s.client(), "http://app.localhost/")
		want(t, "answer", fmt.Sprint(status, body), "200app")
	}
	text, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	s.save(string(text) + "      - traefik.http.routers.auth.middlewares=auth\n")
	eventually(t, "the end of the circle", func() bool { status, _ := get(t, s.client(), "http://app.localhost/"); return status == 508 })
	for range 2 {
		status, _ := get(t, s.client(), "http://app.localhost/")
		want(t, "status", status, 508)
	}
}
