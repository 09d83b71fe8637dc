package codegen_test

import (
	"maps"
	"slices"
	"testing"

	"axion/services/contract"
)

// TestComposeEdges has each kind of edge give a program where the other end is, and
// start after it.
func TestComposeEdges(t *testing.T) {
	t.Parallel()
	node := func(id, kind string) contract.Node { return contract.Node{ID: id, Type: kind, Language: "go"} }
	edge := func(id, from, to, kind string) contract.Edge {
		return contract.Edge{ID: id, From: from, To: to, Type: kind}
	}
	g := &contract.Architecture{
		Nodes: []contract.Node{
			node("a", contract.NodeService), node("b", contract.NodeService), node("database", contract.NodeLogic),
			node("main", contract.NodeDatabase), node("audit", contract.NodeDatabase), node("cache", contract.NodeCache),
			node("jobs", contract.NodeQueue), node("kafka", contract.NodeQueue), node("www", contract.NodeIngress),
		},
		Edges: []contract.Edge{
			edge("1", "a", "b", contract.EdgeHTTP), edge("2", "a", "b", contract.EdgeGRPC), edge("3", "b", "a", contract.EdgeHTTP),
			edge("4", "a", "main", contract.EdgeDatabase), edge("5", "a", "audit", contract.EdgeDatabase),
			edge("6", "a", "cache", contract.EdgeDatabase),
			edge("7", "a", "database", contract.EdgeHTTP), edge("8", "a", "jobs", contract.EdgeKafka), edge("9", "kafka", "a", contract.EdgeKafka),
			edge("10", "jobs", "a", contract.EdgeKafka), edge("11", "www", "a", contract.EdgeHTTP), edge("12", "www", "b", contract.EdgeGRPC),
		},
	}
	project := load(t, generated(t, g)["compose.yaml"])
	env := map[string]string{}
	for name, value := range project.Services["a"].Environment {
		env[name] = *value
	}
	want := map[string]string{
		"HOST": "0.0.0.0", "PORT": "4000", "B_URL": "http://b:4001", "B_GRPC_TARGET": "b:4001",
		"DATABASE_URL": "postgres://app:development@main:5432/app?sslmode=disable",
		"AUDIT_URL":    "postgres://app:development@audit:5432/app?sslmode=disable",
		"REDIS_URL":    "redis://cache:6379", "DATABASE_URL_2": "http://database:4002", "KAFKA_BROKERS": "jobs:9092",
		"KAFKA_BROKERS_2": "kafka:9092",
	}
	if !maps.Equal(env, want) {
		t.Errorf("environment: got %v, want %v", env, want)
	}
	needs := slices.Sorted(maps.Keys(project.Services["a"].DependsOn))
	if want := []string{"audit", "b", "cache", "database", "jobs", "kafka", "main"}; !slices.Equal(needs, want) {
		t.Errorf("depends_on: got %v, want %v", needs, want)
	}
	if got := project.Services["b"].DependsOn; len(got) != 0 {
		t.Errorf("b waits for %v, which waits for b", got)
	}
	for service, want := range map[string]map[string]string{
		"a": {"routers.shop_a_www.rule": "Host(`www.shop.apps.localhost`)", "services.shop_a.loadbalancer.server.port": "4000",
			"services.shop_a.loadbalancer.healthcheck.path": "/health"},
		"b": {"routers.shop_b_www.rule": "Host(`b.www.shop.apps.localhost`)", "services.shop_b.loadbalancer.server.scheme": "h2c"},
	} {
		for name, value := range want {
			if got := project.Services[service].Labels["traefik.http."+name]; got != value {
				t.Errorf("label %s of %s: got %q, want %q", name, service, got, value)
			}
		}
	}
}
