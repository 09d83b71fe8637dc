//go:build unix

package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"axion/web/view"
)

const controlled = `
services:
  a:
    x-axion: {command: sleep 1000}
    restart: always
  b:
    x-axion: {command: sleep 1000}
    depends_on: {a: {condition: service_started, restart: true}}
  c:
    x-axion: {command: sleep 1000}
    depends_on: [a]
  once:
    x-axion: {command: "echo x >> runs", directory: .}
  broken:
    x-axion: {command: no-such-program}
  nowhere:
    x-axion: {command: sleep 1000, directory: missing}
  after:
    x-axion: {command: sleep 1000}
    depends_on: [nowhere]
  kafka: {image: apache/kafka}
  mongo: {image: "mongo:7", ports: ["27018:27017"]}
`

// TestControl: a service is stopped, stays so, and is started and restarted, what asks
// for it with it. One that is complete runs again; what cannot run says why.
func TestControl(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), controlled, nil)
	running := func(names ...string) map[string]view.Service {
		t.Helper()
		return s.await(strings.Join(names, ", "), func(all map[string]view.Service) bool {
			for _, name := range names {
				if all[name].State != view.ServiceRunning {
					return false
				}
			}
			return true
		})
	}
	pid := func(all map[string]view.Service, name string) int { return all[name].Instances[0].PID }
	ctx := WithCause(t.Context(), "from the page")
	first := running("a", "b", "c")
	if err := s.Stop(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	now := s.await("a stopped", func(all map[string]view.Service) bool { return all["a"].State == view.ServiceStopped })
	if syscall.Kill(pid(first, "a"), 0) == nil || now["a"].Instances[0].PID != 0 || now["b"].State != view.ServiceRunning {
		t.Errorf("after the stop: %+v", now)
	}
	for range 2 {
		if err := s.Start(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}
	second := running("a", "b", "c")
	if pid(second, "a") == pid(first, "a") || pid(second, "b") != pid(first, "b") {
		t.Errorf("start: %+v", second)
	}
	if err := s.Restart(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	third := running("a", "b", "c")
	if got := third["a"].Instances[0]; got.Memory < 100<<10 || got.CPU < 0 {
		t.Errorf("it uses %+v", got)
	}
	if pid(third, "a") == pid(second, "a") || pid(third, "b") == pid(second, "b") || pid(third, "c") != pid(second, "c") {
		t.Errorf("restart: %+v", third)
	}
	if got, want := happened(third["a"]), "started, stopped from the page, started from the page, restarted from the page"; got != want {
		t.Errorf("the events of a are %q, want %q", got, want)
	}
	if got, want := happened(third["b"]), "started, restarted after a"; got != want {
		t.Errorf("the events of b are %q, want %q", got, want)
	}
	for want := 1; want <= 2; want++ {
		s.await("completion", func(all map[string]view.Service) bool {
			return all["once"].State == view.ServiceCompleted && s.count("runs") == want
		})
		if err := s.Start(t.Context(), "once"); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *stack) count(file string) int {
	data, _ := os.ReadFile(filepath.Join(s.dir, file))
	return strings.Count(string(data), "x")
}

// TestRefused: what cannot be started says why, and how to mend it; the rest runs.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), controlled, nil)
	s.await("failures", func(all map[string]view.Service) bool {
		return all["broken"].State == view.ServiceFailed && all["nowhere"].State == view.ServiceFailed && all["b"].State == view.ServiceRunning &&
			strings.Contains(all["after"].Detail, "nowhere to run, which has failed")
	})
	for name, want := range map[string]string{
		"kafka":   "kafka is a part of axion itself",
		"mongo":   "start it on 27018",
		"broken":  "no-such-program",
		"nowhere": "missing",
		"unknown": "has no service unknown",
	} {
		err := s.Start(t.Context(), name)
		if err == nil || !strings.Contains(fmt.Sprint(err, hint(err)), want) {
			t.Errorf("start %s: %v (%s), want %q", name, err, hint(err), want)
		}
	}
	for _, service := range s.Services() {
		if service.State == view.ServiceFailed && (service.Detail == "" || service.Hint == "" || service.Line == 0) {
			t.Errorf("%+v does not say how to mend it", service)
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "missing"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Close(t.Context())
	if err := s.Start(t.Context(), "a"); !errors.Is(err, errClosed) {
		t.Errorf("a start after the end: %v", err)
	}
}

// TestEnvironment: each variable has its value, the file's, and who it is from; secrets
// are known.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `
services:
  db: {image: "postgres", environment: {POSTGRES_PASSWORD: leaves}}
  a:
    x-axion: {command: sleep 1000}
    environment:
      PORT: 3000
      URL: postgres://tea:leaves@db:5432/tea
      API_KEY: k
      MONKEY: m
      PLAIN: http://db.example/
`, func(o *Options) {
		o.Environment = map[string]string{"KAFKA_BROKERS": "localhost:9092", "PLAIN": "other"}
	})
	all, err := s.Environment("a")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Variable{}
	for _, v := range all {
		got[v.Name] = v
	}
	port := func(name string) string {
		for _, service := range s.Services() {
			if service.Name == name {
				return service.Ports[0].Address
			}
		}
		return ""
	}
	for _, want := range []Variable{
		{Name: "URL", Value: "postgres://tea:leaves@" + port("db") + "/tea", From: "postgres://tea:leaves@db:5432/tea", Service: "db",
			Source: "file", Secret: true},
		{Name: "PORT", Value: strings.TrimPrefix(port("a"), "127.0.0.1:"), From: "3000", Service: "a", Source: "file"},
		{Name: "API_KEY", Value: "k", Source: "file", Secret: true},
		{Name: "MONKEY", Value: "m", Source: "file"},
		{Name: "PLAIN", Value: "http://db.example/", Source: "file"},
		{Name: "KAFKA_BROKERS", Value: "localhost:9092", Source: "axion"},
		{Name: "OTEL_SERVICE_NAME", Value: "a", Source: "axion"},
	} {
		if got[want.Name] != want {
			t.Errorf("got %+v, want %+v", got[want.Name], want)
		}
	}
	if _, err := s.Environment("unknown"); err == nil {
		t.Error("a service that is not there has an environment")
	}
}
