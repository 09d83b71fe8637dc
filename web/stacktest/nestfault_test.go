package stacktest_test

import (
	"fmt"
	"net/http"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestNestFaults breaks the stack under a NestJS application, which lives on
// KafkaJS, in codegen's place: it goes on once the fault is over.
func TestNestFaults(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	p := stacktest.Launch(t, binary, "--without", contract.Codegen)
	s := newScript(t, p.Stack)
	app.Serve(t, nesttest.ServerOptions{Brokers: []string{s.Summary.Kafka}, Group: contract.Codegen, Role: nesttest.Codegen})
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	topic := contract.Topic(contract.Codegen)
	for i, order := range []map[string]any{
		{"kind": "topic-delay", "target": topic, "delayMs": 100},
		{"kind": "topic-duplicate", "target": topic},
		{"kind": "topic-error", "target": topic, "percent": 50, "seconds": 2},
		{"kind": "coordinator-lost", "target": contract.Codegen + "-server", "seconds": 2},
	} {
		s.breaks(t, order)
		wantNestSite(t, p, ws, s.Create(t, "", fmt.Sprint("nest ", i), "any-template"))
		if status, body := s.send(t, http.MethodDelete, "/api/faults", nil); status != http.StatusOK {
			t.Fatalf("end all: got %d %s", status, body)
		}
	}
}
