package stacktest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestServeOutlives: a service that is served beside a stack outlives it, ended well or
// killed, and works for the next one, though Kafka and the gateway listen elsewhere then.
// It says so once each time, and ends at once while it waits.
func TestServeOutlives(t *testing.T) {
	t.Parallel()
	database := clustertest.NewDatabase(t, clustertest.StartPostgres(t))
	data := t.TempDir()
	launch := func() *stacktest.Process {
		return stacktest.Launch(t, binary, "--data", data, "--database", database, "--without", contract.Codegen)
	}
	s := launch()
	served := stacktest.Serve(t, binary, contract.Codegen, "--data", data)
	registered := func() bool { return s.Get(t, s.URL("codegen.localhost", "/ready")).Status == http.StatusOK }
	stacktest.Eventually(t, "the service to be asked", registered)
	deploys(t, s, "before")
	const ended = "the stack has ended: waiting for the next one"
	for n, end := range []func(testing.TB){s.Stop, func(t testing.TB) { s.Kill(t) }, func(t testing.TB) { s.Stop(t) }} {
		end(t)
		stacktest.Eventually(t, "the service to miss the stack", func() bool { return strings.Count(served.Stderr.String(), ended) == n+1 })
		if n == 2 {
			break
		}
		kafka := s.Summary.Kafka
		if s = launch(); s.Summary.Kafka == kafka {
			t.Fatalf("Kafka is at %s again, want another port", kafka)
		}
		stacktest.Eventually(t, "the service to be asked again", registered)
		deploys(t, s, "after")
	}
	served.Stop(t)
	log := served.Stderr.String()
	if strings.Count(log, ended) != 3 || strings.Count(log, "the stack is back") != 2 || strings.Count(log, "\n") > 40 {
		t.Errorf("logged more or less than was new:\n%s", log)
	}
}

// TestServeNextStack: a stack does not wait for the session of a service that was served
// beside the one before. Of a stack that ended well the service has left the group, and of
// one that was killed the next takes its member out at once. The service says that it waits
// and nothing of the broker that is gone.
func TestServeNextStack(t *testing.T) {
	t.Parallel()
	server := clustertest.StartPostgres(t)
	for name, end := range map[string]func(*stacktest.Process, testing.TB){"Stop": (*stacktest.Process).Stop,
		"Kill": (*stacktest.Process).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, database := t.TempDir(), clustertest.NewDatabase(t, server)
			s := stacktest.Launch(t, binary, "--data", data, "--database", database)
			served := stacktest.Serve(t, binary, contract.Codegen, "--data", data)
			stacktest.Eventually(t, "the service to register", func() bool { return strings.Contains(s.Stderr.String(), "replacement registered") })
			end(s, t)
			stacktest.Eventually(t, "the service to wait", func() bool { return served.Stderr.String() != "" })
			if log := served.Stderr.String(); strings.Count(log, "\n") != 1 ||
				!strings.Contains(log, "the stack has ended: waiting for the next one") {
				t.Errorf("the service logged more than that it waits:\n%s", log)
			}
			left, err := os.ReadFile(filepath.Join(data, "broker", "session_state.json")) // the broker's, of a clean stop
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			expelled := name == "Kill" || strings.Contains(s.Stderr.String(), "replacement has not left in time")
			if !expelled && strings.Contains(string(left), contract.Codegen) {
				t.Errorf("a member is left: %s", left)
			}
			next := stacktest.Launch(t, binary, "--data", data, "--database", database)
			deploys(t, next, "after")
			if got := expelledAfter(t, next.Stderr.String()); expelled && (got < 0 || got > 5*time.Second) || !expelled && got >= 0 {
				t.Errorf("took a member out of its group: %t, got it after %s:\n%s", expelled, got, next.Stderr)
			}
		})
	}
}

// expelledAfter is how long after the first line of a stack's log its broker took a member of
// codegen's group out; negative where it did not.
func expelledAfter(t *testing.T, log string) time.Duration {
	t.Helper()
	var first time.Time
	for line := range strings.Lines(log) {
		var stamp string
		if _, err := fmt.Sscanf(line, "time=%s ", &stamp); err != nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			t.Fatal(err)
		}
		if first.IsZero() {
			first = at
		}
		if strings.Contains(line, "took a member") && strings.Contains(line, "group="+contract.Codegen) {
			return at.Sub(first)
		}
	}
	return -1
}

// deploys creates projects and waits until each is deployed and answers.
func deploys(t *testing.T, s *stacktest.Process, names ...string) {
	t.Helper()
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	for _, name := range names {
		p := s.Create(t, "", name, "")
		ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
		if page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); page.Status != http.StatusOK {
			t.Errorf("site of %s: got %d", name, page.Status)
		}
	}
}

// letters are the dead letters of all services.
func letters(t *testing.T, s *stacktest.Process) (n int64) {
	t.Helper()
	var topics []string
	for _, service := range contract.Names() {
		topics = append(topics, contract.DeadLetterTopic(service))
	}
	ends, err := kadm.NewClient(s.Kafka(t)).ListEndOffsets(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += max(o.Offset, 0) })
	return n
}
