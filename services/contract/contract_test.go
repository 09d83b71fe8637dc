package contract_test

import (
	"slices"
	"testing"

	"axion/services/contract"
)

func TestTopics(t *testing.T) {
	t.Parallel()
	topics := contract.Topics()
	want := 1 + 3*len(contract.Services())
	for _, requests := range contract.Requests() {
		want += len(requests)
	}
	if len(topics) != want {
		t.Errorf("got %d topics, want %d", len(topics), want)
	}
	for _, want := range []string{
		"axion.events", "axion.graph-service", "axion.deployment-service", "axion.codegen-service.reply", "axion.auth-service.dlq",
		"codegen-service.generate-code", "graph-service.list-projects", "auth-service.validate-session",
	} {
		if !slices.Contains(topics, want) {
			t.Errorf("no topic %s in %q", want, topics)
		}
	}
	slices.Sort(topics)
	if len(slices.Compact(slices.Clone(topics))) != len(topics) {
		t.Errorf("a topic is there twice: %q", topics)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"graph-service": 3001, "codegen-service": 3002, "infrastructure-service": 3004,
		"deployment-service": 3005, "ingest-service": 3007, "auth-service": 3010,
	}
	for _, s := range contract.Services() {
		if want[s.Name] != s.Port {
			t.Errorf("%s: got port %d, want %d", s.Name, s.Port, want[s.Name])
		}
		delete(want, s.Name)
	}
	if len(want) != 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	for port, want := range map[int]string{443: "https://graph.localhost", 8443: "https://graph.localhost:8443"} {
		if got := contract.PublicURL(contract.GraphHost, port); got != want {
			t.Errorf("port %d: got %q, want %q", port, got, want)
		}
	}
}

func TestFlow(t *testing.T) {
	t.Parallel()
	known := append(contract.Topics(), contract.HistoryTopic(contract.Graph))
	for _, name := range contract.Names() {
		for _, topic := range append(contract.Consumes(name), contract.Produces(name)...) {
			if !slices.Contains(known, topic) {
				t.Errorf("%s: there is no topic %s", name, topic)
			}
		}
	}
	if contract.Consumes("shop") != nil || contract.Produces("shop") != nil {
		t.Error("a service that is no builtin has topics")
	}
}
