//go:build linux

package stacktest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/provider/docker/dockertest"
	"axion/web/stacktest"
	"axion/web/view"
)

// containers is a project some of whose services run in containers of an engine in a network
// namespace of its own, and so does the stack.
const containers = `
name: mixed
services:
  kafka: {image: "apache/kafka:4.0.0"}
  traefik: {image: "traefik:v3.3"}
  orders:
    x-axion: {command: "LISTEN=127.0.0.1:$$PORT exec SERVER", port: 3000}
    environment: {NAME: orders}
  web:
    image: server:test
    environment: {NAME: web, LISTEN: ":8080"}
    healthcheck: {test: [CMD, /server, check], interval: 100ms}
    volumes: ["state:/state"]
    labels:
      traefik.enable: "true"
      traefik.http.routers.web.rule: Host(` + "`web.localhost`" + `)
      traefik.http.services.web.loadbalancer.server.port: "8080"
  words:
    image: kafkaclient:test
    command: ["kafka:9092", "words"]
    depends_on: {kafka: {condition: service_healthy}}
  caller:
    build: ./caller
    command: ["http://orders:3000/"]
    depends_on: {orders: {condition: service_started}}
  visitor:
    build: ./caller
    command: ["http://traefik/", "web.localhost"]
    depends_on: {web: {condition: service_healthy}}
  missing: {image: "nowhere.invalid/none:1", pull_policy: never}
volumes: {state: {}}
`

// TestContainers: services run in containers beside processes; both reach each other, Kafka
// and the gateway by their names. A second start takes over what a kill has left.
func TestContainers(t *testing.T) {
	t.Parallel()
	n := dockertest.NewNamespace(t, "mixed")
	e := dockertest.StartIn(t, n)
	if _, err := exec.LookPath("docker"); err != nil {
		t.Fatal(err) // the engine's package has it
	}
	e.Import(t)
	e.Build(t, "axion/web/stacktest/kafkaclient", "kafkaclient:test")
	dir := t.TempDir()
	server := build(t, "axion/gateway/provider/docker/dockertest/server", filepath.Join(dir, "server"))
	if err := os.Mkdir(filepath.Join(dir, "caller"), 0o700); err != nil {
		t.Fatal(err)
	}
	build(t, "axion/web/stacktest/httpclient", filepath.Join(dir, "caller", "client"))
	for name, text := range map[string]string{
		"compose.yaml":      strings.ReplaceAll(containers, "SERVER", server),
		"caller/Dockerfile": "FROM scratch\nCOPY client /client\nENTRYPOINT [\"/client\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := n.Program(t, t.TempDir(), binary)
	for range 2 {
		s := &mixed{t, n, stacktest.LaunchIn(t, dir, []string{"DOCKER_HOST=" + e.Host, "DOCKER_BUILDKIT=0"}, program,
			"--docker", "--data", filepath.Join(dir, ".axion"))}
		starting := s.await("starting", "web", view.ServiceStarting)
		stacktest.Eventually(t, "web listens", func() bool {
			_, _, code := run(n, "curl", "-sS", "--fail", "-X", "PUT", "http://"+starting.Ports[0].Address+"/healthy")
			return code == 0
		})
		s.await("healthy", "web", view.ServiceRunning)
		for _, name := range []string{"words", "caller", "visitor"} {
			s.await("done", name, view.ServiceCompleted)
		}
		at := e.Gateway(t, "mixed_axion")
		s.wrote("words", `{"advertised":["`+at+`:9092"]}`)
		s.wrote("caller", "http://orders:3000/ answers orders")
		s.wrote("visitor", "http://traefik/ answers web")
		if failed := s.await("failed", "missing", view.ServiceFailed); !strings.Contains(failed.Detail, "nowhere.invalid/none:1") {
			t.Errorf("got %+v", failed)
		}
		s.Kill(t)
	}
	if out, _, _ := run(n, "docker", "-H", e.Host, "ps", "--format", "{{.Names}}"); strings.TrimSpace(out) != "mixed-web-1" {
		t.Errorf("after a kill there is %q", out)
	}
}

// mixed is a stack in a namespace.
type mixed struct {
	t *testing.T
	n dockertest.Namespace
	*stacktest.Process
}

func (s *mixed) get(path string, to any) {
	s.t.Helper()
	stdout, stderr, code := run(s.n, "curl", "-sS", "--fail", s.Dashboard+path)
	if code != 0 {
		s.t.Fatalf("%s: %s", path, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), to); err != nil {
		s.t.Fatalf("%s: %v: %s", path, err, stdout)
	}
}

func (s *mixed) await(what, name string, want view.ServiceState) (got view.Service) {
	s.t.Helper()
	stacktest.Eventually(s.t, name+" "+what, func() bool {
		s.get("/api/services/"+name, &got)
		return got.State == want
	})
	return got
}

// wrote waits for a line of a service.
func (s *mixed) wrote(service, want string) {
	s.t.Helper()
	var logs struct {
		Items []struct{ Message string }
	}
	stacktest.Eventually(s.t, service+" writes "+want, func() bool {
		s.get("/api/logs?service="+service, &logs)
		for _, line := range logs.Items {
			if strings.TrimSpace(line.Message) == want {
				return true
			}
		}
		return false
	})
}

// build builds a command of this module for containers.
func build(t *testing.T, pkg, to string) string {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return to
}
