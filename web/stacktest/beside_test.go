package stacktest_test

import (
	"net/http"
	"strings"
	"testing"

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
