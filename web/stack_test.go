package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/goleak"

	"axion/services/host"
	"axion/web/client"
	"axion/web/view"
)

func TestMain(m *testing.M) {
	host.UseProblems() // as in a whole stack
	goleak.VerifyTestMain(m)
}

// stack is a dashboard's surroundings, which a test changes as it goes.
type stack struct {
	address string
	server  *Server

	mu       sync.Mutex
	system   view.System
	routes   []view.Route
	problems []view.Problem
	topics   []view.Topic
	topicErr error
}

func newStack() *stack { return &stack{system: view.System{ReadyMS: 142}} }

// change changes the stack, as something that happens in it would.
func (s *stack) change(f func(*stack)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// options reads the stack; graph nil is a stack without builtins.
func (s *stack) options(t *testing.T, address string, graph *fakeGraph) Options {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	o := Options{
		Listener: listener, Assets: os.DirFS("../embed/dashboard"), Version: "v0.0.0-test",
		System: func(context.Context) view.System {
			s.mu.Lock()
			defer s.mu.Unlock()
			system := s.system
			system.Parts = slices.Clone(s.system.Parts)
			return system
		},
		Gateway:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, []any{}) }),
		Register: []func(huma.API){noSnippets},
		Routes:   func() []view.Route { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.routes) },
		Problems: func() []view.Problem { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.problems) },
		Topics: func(context.Context) ([]view.Topic, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Clone(s.topics), s.topicErr
		},
	}
	if graph != nil {
		gateway := graph.Listener.Addr().String()
		_, port, err := net.SplitHostPort(gateway)
		if err != nil {
			t.Fatal(err)
		}
		o.Client = &client.Options{
			Graph: "https://graph.localhost:" + port, Gateway: gateway, RootCAs: graph.roots,
			Token: func(context.Context) (string, error) { return goodToken, nil },
		}
	}
	return o
}

// noSnippets is a gateway whose files cannot be shown.
func noSnippets(api huma.API) {
	huma.Get(api, "/api/snippet", func(context.Context, *struct{}) (*body[map[string]any], error) {
		return &body[map[string]any]{map[string]any{"lines": []string{}}}, nil
	})
}

// start runs a dashboard until the test ends or stop is called.
func (s *stack) start(t *testing.T, o Options) (stop func()) {
	t.Helper()
	server, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// realistic fills the stack with what a working one shows.
func (s *stack) realistic() {
	s.system = view.System{
		ReadyMS: 142,
		Addresses: view.Addresses{
			HTTP: "http://localhost:8080", HTTPS: "https://localhost:8443",
			Kafka: "localhost:9092", Dashboard: "http://127.0.0.1:8900", CA: "/home/me/my stack/root.crt",
		},
		Parts: []view.Part{
			{Name: "broker", Kind: view.KindBroker, State: view.StateHealthy, Address: "127.0.0.1:9092",
				Detail: "embedded, 1 broker, 3 partitions a topic"},
			{Name: "gateway", Kind: view.KindGateway, State: view.StateHealthy, Address: "127.0.0.1:8443", URL: "https://localhost:8443",
				Detail: "ports 80 and 443 need privileges; using 8080 and 8443"},
			{Name: "auth-service", Kind: view.KindService, State: view.StateHealthy, Address: "127.0.0.1:3010", URL: "https://auth.localhost:8443"},
			{Name: "codegen-service", Kind: view.KindService, State: view.StateHealthy, Address: "127.0.0.1:3002",
				URL: "https://codegen.localhost:8443"},
			{Name: "infrastructure-service", Kind: view.KindService, State: view.StateHealthy, Address: "127.0.0.1:3004",
				URL: "https://infrastructure.localhost:8443", Detail: "3 sites running"},
			{Name: "deployment-service", Kind: view.KindService, State: view.StateHealthy, Address: "127.0.0.1:3005",
				URL: "https://deployment.localhost:8443"},
			{Name: "graph-service", Kind: view.KindService, State: view.StateHealthy, Address: "127.0.0.1:3001",
				URL: "https://graph.localhost:8443"},
			{Name: "ingest-service", Kind: view.KindService, State: view.StateAbsent, Detail: "left out by --without; expected at port 3007"},
			{Name: "dashboard", Kind: view.KindDashboard, State: view.StateHealthy, Address: "127.0.0.1:8900", URL: "https://axion.localhost:8443"},
		},
	}
	s.routes = realisticRoutes()
	for _, service := range []string{"auth", "codegen", "infrastructure", "deployment", "graph", "ingest"} {
		for i, suffix := range []string{"", ".reply", ".dlq"} {
			held := int64(len(service)*37) * int64(2-i)
			s.topics = append(s.topics, topicOf("axion."+service+"-service"+suffix, held))
		}
	}
	s.topics = append(s.topics, topicOf("axion.events", 12840))
}

func topicOf(name string, held int64) view.Topic {
	return view.Topic{Name: name, Messages: held, Partitions: []view.Partition{
		{ID: 0, End: held / 2}, {ID: 1, Start: 40, End: 40 + held/3}, {ID: 2, End: held - held/2 - held/3},
	}}
}

func realisticRoutes() []view.Route {
	var routes []view.Route
	for i, name := range []string{"auth", "codegen", "infrastructure", "deployment", "graph", "events"} {
		routes = append(routes, view.Route{
			Name: name + "@docker", Rule: "Host(`" + name + ".localhost`)", Priority: 24 + len(name),
			EntryPoints: []string{"websecure"}, TLS: true, Middlewares: []string{"axion-cors@docker"}, Service: name + "-service@docker",
			Servers: []view.RouteServer{{URL: "http://127.0.0.1:300" + string(rune('1'+i)), Status: view.ServerUp}},
			Status:  view.RouteEnabled, Origin: view.Origin{File: "embedded", Line: 12 + 9*i, Service: name + "-service"},
		})
	}
	return append(routes, view.Route{
		Name: "graph-path@docker", Rule: "PathPrefix(`/api/graph`) && (Method(`GET`) || Method(`POST`) || Method(`PATCH`) || Method(`DELETE`))",
		Priority:    99,
		EntryPoints: []string{"websecure"}, TLS: true, Middlewares: []string{"graph-strip@docker", "graph-prefix@docker", "axion-cors@docker"},
		Service: "graph-service@docker", Status: view.RouteEnabled, Origin: view.Origin{File: "embedded", Line: 71, Service: "graph-service"},
		Servers: []view.RouteServer{{URL: "http://127.0.0.1:3001", Status: view.ServerUp},
			{URL: "http://127.0.0.1:3011", Status: view.ServerDown}},
	})
}

// broken makes what a working stack shows go wrong.
func (s *stack) broken() {
	s.system.Parts[0].Problems = []view.PartProblem{{Message: "the records of offsets 7 to 9 are lost", Where: "t-0/7.dat",
		Hint: "check the disk"}}
	s.system.Parts[5].State = view.StateUnhealthy
	s.system.Parts[5].Detail = "GET /health: connection refused; restarts in 2 s"
	s.system.Parts[3].State = view.StateStarting
	s.topics[14].Messages = 3
	s.topicErr = nil
	s.problems = []view.Problem{{
		Severity: view.SeverityError, File: "compose.yaml", Line: 31, Service: "shop", Label: "traefik.http.routers.shop.rule",
		Message: "unknown matcher \"Hots\"", Hint: "did you mean Host?",
	}}
	s.routes = append(s.routes, view.Route{
		Name: "shop@docker", Rule: "Hots(`shop.localhost`)", Priority: 22, EntryPoints: []string{"web", "websecure"}, Service: "shop@docker",
		Status: view.RouteDisabled, Errors: []string{"unknown matcher \"Hots\""},
		Origin: view.Origin{File: "compose.yaml", Line: 31, Service: "shop"},
	})
}

var errBroker = errors.New("the broker at 127.0.0.1:9092 does not answer")
