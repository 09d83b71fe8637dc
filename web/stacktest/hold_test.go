package stacktest_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"axion/web/stacktest"
	"axion/web/view"
)

// server is a service in Python that dies of SIGTERM at once.
const server = `
import os, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        got = len(self.rfile.read(int(self.headers.get("content-length") or 0)))
        body = ("%s %d %s" % (self.command, got, open("version").read())).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST
    def log_message(self, *args): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

const heldProject = `
services:
  app:
    x-axion: {command: python3 server.py, watch: [version], directory: .}
    environment: {PORT: 3000}
    labels:
      traefik.http.routers.app.rule: Host(` + "`app.localhost`" + `)
      traefik.http.services.app.loadbalancer.server.port: "3000"
  broken:
    x-axion: {command: "sh -c 'exit 3'", port: 3000}
    labels:
      traefik.http.routers.broken.rule: Host(` + "`broken.localhost`" + `)
      traefik.http.services.broken.loadbalancer.server.port: "3000"
  late:
    x-axion: {command: python3 server.py, port: 3000, hold: 10ms, directory: .}
    depends_on: {mongo: {condition: service_started}}
    labels:
      traefik.http.routers.late.rule: Host(` + "`late.localhost`" + `)
      traefik.http.services.late.loadbalancer.server.port: "3000"
  mongo: {image: "mongo:7", ports: ["1:27017"]}
`

// TestHold: clients of a service see nothing of its restarts, by a changed file or by the
// API, and are answered why where it does not run.
func TestHold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, ".axion")
	save(t, filepath.Join(dir, "server.py"), server)
	save(t, filepath.Join(dir, "version"), "0")
	save(t, filepath.Join(dir, "compose.yaml"), heldProject)
	s := stacktest.LaunchIn(t, dir, nil, binary, "--no-builtins", "--data", data)
	ask := func(method, host string, body string) (int, string) {
		r, _ := http.NewRequestWithContext(t.Context(), method, s.HTTP, strings.NewReader(body))
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	if status, text := ask("GET", "app.localhost", ""); status != http.StatusOK { // the first start is awaited as well
		t.Fatalf("the first request: got %d %s", status, text)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var answers atomic.Int64
	var version atomic.Value
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for ctx.Err() == nil {
				size, method := (i%3)*9000, [...]string{"GET", "POST"}[min(i%3, 1)]
				status, text := ask(method, "app.localhost", strings.Repeat("x", size))
				got, ok := strings.CutPrefix(text, fmt.Sprintf("%s %d ", method, size))
				if status != http.StatusOK || !ok {
					t.Errorf("%s of %d bytes: got %d %s", method, size, status, text)
					return
				}
				version.Store(got)
				answers.Add(1)
			}
		})
	}
	pid := func() int {
		var one view.Service
		s.Get(t, s.Dashboard+"/api/services/app").Decode(t, http.StatusOK, &one)
		return one.Instances[0].PID
	}
	for i := range 4 {
		before, from := pid(), answers.Load()
		if i%2 == 0 {
			save(t, filepath.Join(dir, "version"), fmt.Sprint(i+1))
		} else if _, stderr, code := execute(t, dir, "restart", "app", "--data", data); code != 0 {
			t.Errorf("restart: %s", stderr)
		}
		stacktest.Eventually(t, "a new process, and answers of it", func() bool {
			return t.Failed() || pid() != before && answers.Load() > from+50
		})
	}
	stop()
	wg.Wait()
	if version.Load() != "3" {
		t.Errorf("version: got %v", version.Load())
	}
	var variables struct {
		Items []struct{ Name, Value string }
	}
	s.Get(t, s.Dashboard+"/api/services/app/environment").Decode(t, http.StatusOK, &variables)
	for _, v := range variables.Items {
		if v.Name == "SSL_CERT_FILE" {
			if roots, err := os.ReadFile(v.Value); err != nil || !x509.NewCertPool().AppendCertsFromPEM(roots) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
	for host, want := range map[string]string{
		"broken.localhost": "broken has failed: it ended with status 3",
		"late.localhost":   "late waits for mongo to run, held 10ms",
	} {
		status, text := ask("GET", host, "")
		var problem struct{ Detail, Hint string }
		if err := json.Unmarshal([]byte(text), &problem); err != nil || status != http.StatusServiceUnavailable ||
			problem.Detail != want || problem.Hint == "" {
			t.Errorf("%s: got %d %s", host, status, text)
		}
	}
}
