package ingest

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) {
	if settings := os.Getenv(victimEnv); settings != "" {
		victim(settings)
		return
	}
	goleak.VerifyTestMain(m)
}

// stack is the service on a broker, and a plain Kafka client beside it.
type stack struct {
	*service
	*hosttest.Service
	kafka *hosttest.Kafka
}

// start runs the service until the test ends, or until Stop.
func start(t *testing.T, cluster *clustertest.Broker, dir string, change ...func(*service)) *stack {
	t.Helper()
	o := hosttest.Options(t, cluster, dir)
	o.Shared = true // with those that the test starts besides
	s, err := open(t.Context(), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	for _, fn := range change {
		fn(s)
	}
	return &stack{service: s, Service: hosttest.Start(t, s.host, nil), kafka: hosttest.Dial(t, cluster, contract.EventsTopic)}
}

// send does one request, as [hosttest.Do] does.
func (s *stack) send(t *testing.T, method, path, body string, header ...string) hosttest.Reply {
	t.Helper()
	return hosttest.Do(t, method, s.URL+path, body, header...)
}

// post sends events that must be accepted.
func (s *stack) post(t *testing.T, body string, header ...string) []Receipt {
	t.Helper()
	a := hosttest.Decode[Accepted](t, s.send(t, http.MethodPost, "/api/events", body, header...), http.StatusAccepted)
	if a.Accepted != len(a.Items) {
		t.Errorf("accepted: got %d with %d items", a.Accepted, len(a.Items))
	}
	return a.Items
}

// postUntil posts again, as Retry-After has clients do, until it is accepted.
func (s *stack) postUntil(t *testing.T, body string, header ...string) []Receipt {
	t.Helper()
	for deadline := time.Now().Add(hosttest.Deadline); ; {
		a := s.send(t, http.MethodPost, "/api/events", body, header...)
		if a.Status == http.StatusAccepted || time.Now().After(deadline) {
			return hosttest.Decode[Accepted](t, a, http.StatusAccepted).Items
		}
	}
}

// count is how many records the events topic holds.
func (s *stack) count() int64 { return s.kafka.Count(contract.EventsTopic) }

// mute holds the broker's acknowledgements back until the channel is closed.
func mute(cluster *clustertest.Broker) chan struct{} {
	gate := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	return gate
}
