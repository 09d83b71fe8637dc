package stacktest_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/web/stacktest"
	"axion/web/view"
)

// composed is a stack that runs the services of a compose file.
type composed struct {
	*stacktest.Process
	dir string
}

// composeUp writes files, by their names, into a directory of their own, compose.yaml among
// them, and runs "axion up" there. env is added to its
// environment.
func composeUp(t testing.TB, env []string, files map[string]string, args ...string) *composed {
	t.Helper()
	c := &composed{dir: t.TempDir()}
	for name, text := range files {
		path := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"--no-builtins", "--data", filepath.Join(c.dir, ".axion")}, args...)
	c.Process = stacktest.LaunchIn(t, c.dir, env, binary, args...)
	return c
}

// service waits until a service of the compose file is in a state.
func (c *composed) service(t testing.TB, name string, state view.ServiceState) view.Service {
	t.Helper()
	var s view.Service
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s is %+v", name, s)
		}
	})
	stacktest.Eventually(t, name+" to be "+string(state), func() bool {
		answer := c.Get(t, c.Dashboard+"/api/services/"+name)
		answer.Decode(t, http.StatusOK, &s)
		return s.State == state
	})
	return s
}

// closedAddress is one at which nothing listens.
func closedAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// offline is an environment in which nothing can be fetched: no cache, and a proxy that
// is not there.
func offline(t testing.TB) []string {
	t.Helper()
	return []string{"XDG_CACHE_HOME=" + t.TempDir(), "HTTPS_PROXY=http://" + closedAddress(t), "HTTP_PROXY="}
}

// badService is a service that cannot run: what its file says, the state that it comes to,
// and texts of the detail (or of a note) and of the remedy.
type badService struct {
	name, says     string
	state          view.ServiceState
	detail, remedy string
}

var badServices = []badService{
	{"command", `{build: ., x-axion: {command: no-such-program --flag}}`, view.ServiceFailed, "no-such-program", "install the program"},
	{"directory", `{build: ./missing, x-axion: {command: sleep 1000}}`, view.ServiceFailed, "missing: no such file", "make it"},
	{"file", `{build: ./compose.yaml, x-axion: {command: sleep 1000}}`, view.ServiceFailed, "compose.yaml is a file", "x-axion"},
	{"health", `{build: ., x-axion: {command: sleep 1000}, healthcheck: {test: "echo not yet; exit 1", interval: 50ms, retries: 2}}`,
		view.ServiceUnhealthy, "not yet", "healthcheck"},
	{"waits", `{build: ., x-axion: {command: sleep 1000}, depends_on: {health: {condition: service_healthy}}}`,
		view.ServiceWaiting, "health to be healthy", ""},
	{"envfile", `{build: ., x-axion: {command: sleep 1000}, env_file: ./missing.env}`, view.ServiceFailed, "missing.env", "required: false"},
	{"crash", `{build: ., x-axion: {command: sh -c "echo I cannot >&2; exit 3"}}`, view.ServiceFailed, "status 3", "axion logs"},
	{"typo", `{build: ., x-axion: {comand: sleep 1000}}`, view.ServiceFailed, "comand", "it has command"},
	{"unknown", `{image: mongo:7, ports: ["27017:27017"]}`, view.ServiceWaiting, "nothing here provides mongo:7", "start it on 27017"},
	{"password", `{image: "postgres:16"}`, view.ServiceFailed, "POSTGRES_PASSWORD is not set", "set it"},
	{"script", `{image: "postgres:16", environment: {POSTGRES_PASSWORD: x}, volumes: ["./bad.sql:/docker-entrypoint-initdb.d/bad.sql"]}`,
		view.ServiceFailed, `ERROR:  syntax error at or near "SELEC"`, "mend it"},
	{"noscript", `{image: "postgres:16", environment: {POSTGRES_PASSWORD: x}, volumes: ["./none.sql:/docker-entrypoint-initdb.d/a.sql"]}`,
		view.ServiceFailed, "none.sql: no such file", "take its volume out"},
	{"data", `{image: "postgres:16", environment: {POSTGRES_PASSWORD: x}}`, view.ServiceFailed, "is of PostgreSQL 11", "install PostgreSQL 11"},
	{"major", `{image: "postgres:9.6", environment: {POSTGRES_PASSWORD: x}}`, view.ServiceRunning, "there is no PostgreSQL 9 to fetch",
		"install PostgreSQL 9"},
	{"fetch", `{image: "postgres:13", environment: {POSTGRES_PASSWORD: x}}`, view.ServiceRunning, "connection refused",
		"install PostgreSQL 13"},
}

// TestBadServices: what is wrong with a service is said of it, with its file and line and
// how to mend it, on the page and in the log. All others run.
func TestBadServices(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("psql"); err != nil {
		clustertest.Missing(t, "psql", "postgresql")
	}
	file := "services:\n  good: {build: ., x-axion: {command: sleep 1000}}\n"
	for _, b := range badServices {
		file += "  " + b.name + ": " + b.says + "\n"
	}
	c := composeUp(t, offline(t), map[string]string{
		"compose.yaml": file, "bad.sql": "SELEC 1;\n", ".axion/postgres/data/PG_VERSION": "11\n",
	})
	for i, b := range badServices {
		t.Run(b.name, func(t *testing.T) {
			s := c.service(t, b.name, b.state)
			said := strings.Join(append(s.Notes, s.Detail, s.Hint), "\n")
			if !strings.Contains(said, b.detail) || !strings.Contains(said, b.remedy) {
				t.Errorf("it says %q, want %q and as the remedy %q", said, b.detail, b.remedy)
			}
			if s.Line != i+3 || filepath.Base(s.File) != "compose.yaml" {
				t.Errorf("it is at %s:%d, want line %d", s.File, s.Line, i+3)
			}
			if b.state == view.ServiceWaiting {
				return
			}
			stacktest.Eventually(t, "the log of it", func() bool { return logged(c.Stderr.String(), b, s.Line) })
		})
	}
	c.service(t, "good", view.ServiceRunning)
	if answer := c.Get(t, c.Dashboard+"/api/system"); answer.Status != http.StatusOK {
		t.Errorf("the dashboard answers %d", answer.Status)
	}
}

// logged says whether one line of a log names a service, its place and the remedy.
func logged(log string, b badService, line int) bool {
	for text := range strings.Lines(log) {
		text = strings.ReplaceAll(text, `\"`, `"`)
		if strings.Contains(text, "service="+b.name+" ") && strings.Contains(text, "compose.yaml line="+strconv.Itoa(line)) &&
			strings.Contains(text, b.remedy) {
			return true
		}
	}
	return false
}

// TestPortTaken: a port that the file publishes and another process has is said with its
// place and how to mend it; the service runs all the same.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	c := composeUp(t, nil, map[string]string{
		"compose.yaml": "services:\n  cache:\n    image: redis:7\n    ports: [\"" + port + ":6379\"]\n",
	}, "--ports=", "--http=127.0.0.1:0", "--https=127.0.0.1:0", "--kafka=127.0.0.1:0", "--dashboard=127.0.0.1:0",
		"--otlp-http=off", "--otlp-grpc=off")
	s := c.service(t, "cache", view.ServiceRunning)
	said := strings.Join(s.Notes, "\n")
	if want := fmt.Sprintf("port %s is taken by %s", port, filepath.Base(os.Args[0])); !strings.Contains(said, want) {
		t.Errorf("the notes are %q, want %q", said, want)
	}
	if len(s.Ports) != 1 || strings.HasSuffix(s.Ports[0].Address, ":"+port) {
		t.Errorf("it listens on %v", s.Ports)
	}
	stacktest.Eventually(t, "the log of it", func() bool {
		return logged(c.Stderr.String(), badService{name: "cache", remedy: "use another port in the file"}, 2)
	})
}
