package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway"
)

// engine answers as much of the engine's API as is asked for, with one container that
// is never healthy.
func engine(t *testing.T) (address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/info"):
			fmt.Fprint(w, `{"OperatingSystem": "Debian"}`)
		case strings.HasSuffix(path, "/events"):
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case strings.HasSuffix(path, "/containers/json"):
			fmt.Fprint(w, `[{"Id": "sick", "State": "running", "Labels": {"traefik.enable": "true"}}]`)
		case strings.HasSuffix(path, "/containers/sick/json"):
			fmt.Fprint(w, `{"Id": "sick", "Name": "/sick", "State": {"Running": true, "Health": {"Status": "starting"}}, "HostConfig": {"NetworkMode": "x"},
				"NetworkSettings": {"Networks": {"x": {"IPAddress": "192.0.2.9"}}, "Ports": {}},
				"Config": {"ExposedPorts": {"80/tcp": {}}, "Labels": {"traefik.http.routers.sick.rule": "Host(`+"`sick.localhost`"+`)"}}}`)
		}
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "unix://" + l.Addr().String()
}

// With allowEmptyServices a container that is not healthy keeps its router, which has
// no server; a change of that counts at once.
func TestEmptyServices(t *testing.T) {
	t.Setenv("DOCKER_HOST", engine(t))
	dir := t.TempDir()
	s := &stack{t: t, file: filepath.Join(dir, "compose.yaml")}
	document := func(allow bool) string {
		return compose(port) + traefik(fmt.Sprintf("--providers.docker.allowemptyservices=%t", allow), "--entrypoints.web.address=:80")
	}
	s.save(document(false))
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{s.file}, CADir: filepath.Join(dir, "ca"),
		StateDir: filepath.Join(dir, "state"), Docker: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Gateway, s.API, s.http, s.secure = g, g.API(), plain.Addr().String(), secure.Addr().String()
	g.Start()
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		_ = g.Wait()
	})
	status := func() int {
		status, _ := get(t, s.client(), "http://sick.localhost/")
		return status
	}
	want(t, "without", status(), http.StatusNotFound)
	s.save(document(true))
	eventually(t, "its router is there, without a server", func() bool { return status() == http.StatusServiceUnavailable })
	s.save(document(false))
	eventually(t, "its router is gone", func() bool { return status() == http.StatusNotFound })
}
