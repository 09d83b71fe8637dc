package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/process"
	"axion/web/view"
)

// TestEvents: a service that ends by itself says so, once for each end, and what it is
// started again by is no request.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `
services:
  flaky:
    x-axion: {command: "sh -c 'exit 3'"}
    restart: "on-failure:3"
  kafka: {image: apache/kafka}
`, nil)
	all := s.await("the end", func(all map[string]view.Service) bool { return all["flaky"].State == view.ServiceFailed })
	events := all["flaky"].Events
	const want = "started, crashed it ended with status 3, restarted, failed it ended with status 3"
	if got := happened(all["flaky"]); got != want || events[1].Times != 3 || events[3].At.Before(events[0].At) {
		t.Errorf("got %q of %+v, want %q", got, events, want)
	}
	if got := all["kafka"].Events; len(got) != 0 {
		t.Errorf("axion's own part has events: %+v", got)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for value, want := range map[[2]string]string{
		{"DATABASE_URL", "postgres://tea:leaves@db:5432/orders"}: "postgres://tea:••••@db:5432/orders",
		{"REDIS_URL", "redis://:steep@cache:6379/0"}:             "redis://:••••@cache:6379/0",
		{"URLS", "amqp://a:b@c:1,amqp://d:e@f:2"}:                "amqp://a:••••@c:1,amqp://d:••••@f:2",
		{"KAFKA_BROKERS", "kafka:9092"}:                          "kafka:9092",
		{"API_TOKEN", "http://kafka:9092"}:                       "••••",
		{"DSN", "host=db password=leaves"}:                       "••••",
	} {
		if got := masked(value[0], value[1]); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}

// happened lists a service's events.
func happened(s view.Service) string {
	var all []string
	for _, e := range s.Events {
		all = append(all, strings.TrimSpace(string(e.Kind)+" "+e.Detail))
	}
	return strings.Join(all, ", ")
}

// TestInactive: what is asked of a service whose profile is off says which one to turn on.
func TestInactive(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `services:
  a: {x-axion: {command: sleep 1000, directory: .}}
  seed: {x-axion: {command: sleep 1000, directory: .}, profiles: [tools]}
`, nil)
	_, shown := s.Service("seed")
	_, environment := s.Environment("seed")
	for _, err := range []error{s.Start(t.Context(), "seed"), shown, environment} {
		if err == nil || !strings.Contains(err.Error(), "profile tools") || hint(err) != "axion up --profile tools" {
			t.Errorf("got %v, hint %q", err, hint(err))
		}
	}
	if _, err := s.Service("sede"); err == nil || hint(err) != "" {
		t.Errorf("got %v", err)
	}
}

// TestOwnPrograms: what is installed for a service's folder alone comes first.
func TestOwnPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"node_modules/.bin/serve", ".venv/bin/serve", ".venv/bin/sh"} {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		text := "#!/bin/sh\necho " + name + "; exec sleep 1000\n"
		if strings.HasSuffix(name, "/sh") {
			text = "none" // and cannot be run
		}
		if err := os.WriteFile(at, []byte(text), map[bool]os.FileMode{true: 0o600, false: 0o700}[text == "none"]); err != nil {
			t.Fatal(err)
		}
	}
	lines := make(chan string, 10)
	start(t, dir, `services:
  direct: {x-axion: {command: serve, directory: .}}
  shell: {x-axion: {command: "true && serve", directory: .}}
`, func(o *Options) { o.Line = func(_ string, l process.Line) { lines <- l.Text } })
	for range 2 {
		if got := <-lines; got != ".venv/bin/serve" {
			t.Errorf("it runs %s", got)
		}
	}
}
