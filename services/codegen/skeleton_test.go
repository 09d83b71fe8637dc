package codegen_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/contract"
)

// exchange is a service in each language, each of which sends the other events on a
// queue, and for each language services that only receive, only send, or do neither.
func exchange() *contract.Architecture {
	g := &contract.Architecture{
		Nodes: []contract.Node{
			{ID: "api", Type: contract.NodeService, Language: "go"}, {ID: "web", Type: contract.NodeService, Language: "nestjs"},
			{ID: "orders", Type: contract.NodeQueue}, {ID: "constructor", Type: contract.NodeQueue},
		},
		Edges: []contract.Edge{
			{ID: "1", From: "api", To: "orders", Type: contract.EdgeKafka}, {ID: "2", From: "orders", To: "web", Type: contract.EdgeKafka},
			{ID: "3", From: "web", To: "constructor", Type: contract.EdgeKafka}, {ID: "4", From: "constructor", To: "api", Type: contract.EdgeKafka},
			{ID: "5", From: "constructor", To: "web", Type: contract.EdgeKafka},
		},
	}
	for _, language := range []string{"go", "nestjs"} {
		for _, does := range []string{"receives", "sends", "neither"} {
			g.Nodes = append(g.Nodes, contract.Node{ID: language + "-" + does, Type: contract.NodeLogic, Language: language})
		}
		g.Edges = append(g.Edges,
			contract.Edge{ID: language + "6", From: "orders", To: language + "-receives", Type: contract.EdgeKafka},
			contract.Edge{ID: language + "7", From: language + "-sends", To: "orders", Type: contract.EdgeKafka})
	}
	return g
}

// TestSkeletonGo has the compiler and vet read every form of the Go skeleton.
func TestSkeletonGo(t *testing.T) {
	t.Parallel()
	dir := write(t, generated(t, exchange()))
	for _, name := range []string{"api", "go-receives", "go-sends", "go-neither"} {
		command(t, filepath.Join(dir, "services", name), "go", "vet", ".")
	}
}

// TestSkeletons builds what is generated for both languages, starts it on the
// embedded broker, and has an event go from each service to the other.
func TestSkeletons(t *testing.T) {
	t.Parallel()
	needNode(t)
	b := embedded(t)
	dir := write(t, generated(t, exchange()))
	api := build(t, filepath.Join(dir, "services", "api"), "go").start(t, "KAFKA_BROKERS="+b.Addr())
	web := build(t, filepath.Join(dir, "services", "web"), "nestjs").start(t, "KAFKA_BROKERS="+b.Addr())
	typed(t, filepath.Join(dir, "services"))
	for _, p := range []*peer{api, web} {
		if status, body := p.get(t, "/health"); status != http.StatusOK || !strings.Contains(body, `"ok"`) {
			t.Errorf("health: got %d %s", status, body)
		}
	}
	if got := api.post(t, "/events/orders", `{"order":1}`); got != http.StatusAccepted {
		t.Fatalf("publish by the Go service: got %d", got)
	}
	web.await(t, `orders: {"order":1}`)
	if got := web.post(t, "/events/constructor", `{"order":2}`); got != http.StatusAccepted {
		t.Fatalf("publish by the NestJS service: got %d", got)
	}
	web.await(t, `constructor: {"order":2}`)
	api.await(t, `{\"order\":2}`)
	for _, wrong := range []struct {
		p    *peer
		path string
	}{{api, "/events/constructor"}, {api, "/events/nothing"}, {web, "/events/orders"}, {web, "/events/__proto__"}} {
		if got := wrong.p.post(t, wrong.path, `{}`); got != http.StatusNotFound {
			t.Errorf("publish on %s, which is not theirs: got %d", wrong.path, got)
		}
	}
	wantMembers(t, b, map[string]int{"shop.api.constructor": 1, "shop.web.orders-server": 1, "shop.web.constructor-server": 1})
	api.stop(t)
	web.stop(t)
	wantMembers(t, b, map[string]int{"shop.api.constructor": 0, "shop.web.orders-server": 0, "shop.web.constructor-server": 0})
}

// typed has the compiler read every form of the NestJS skeleton, with the packages
// that one of them has installed.
func typed(t *testing.T, services string) {
	t.Helper()
	if err := os.Symlink(filepath.Join(services, "web", "node_modules"), filepath.Join(services, "node_modules")); err != nil {
		t.Fatal(err)
	}
	config := `{"extends": "./web/tsconfig.json", "compilerOptions": {"rootDir": ".", "noEmit": true}, "include": ["*/src"]}`
	if err := os.WriteFile(filepath.Join(services, "tsconfig.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, services, "node", filepath.Join("node_modules", "typescript", "bin", "tsc"), "-p", ".")
}

// TestSkeletonAlone starts a Go service that has a queue but no brokers.
func TestSkeletonAlone(t *testing.T) {
	t.Parallel()
	dir := write(t, generated(t, exchange()))
	api := build(t, filepath.Join(dir, "services", "api"), "go").start(t)
	if status, _ := api.get(t, "/health"); status != http.StatusOK {
		t.Errorf("health: got %d", status)
	}
	if got := api.post(t, "/events/orders", `{}`); got != http.StatusServiceUnavailable {
		t.Errorf("publish: got %d, want 503", got)
	}
	api.stop(t)
}

// TestBlueprintNestJS builds the template and starts it with brokers and without.
func TestBlueprintNestJS(t *testing.T) {
	t.Parallel()
	needNode(t)
	b := embedded(t)
	reply, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p", Template: contract.NestJSTemplate, Name: "Tea"})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range reply.Files {
		files[f.Path] = f.Content
	}
	program := build(t, write(t, files), "nestjs")
	for name, env := range map[string][]string{"Brokers": {"KAFKA_BROKERS=" + b.Addr()}, "Alone": nil} {
		t.Run(name, func(t *testing.T) {
			p := program.start(t, env...)
			if status, _ := p.get(t, "/health"); status != http.StatusOK {
				t.Errorf("health: got %d", status)
			}
			if status, page := p.get(t, "/"); status != http.StatusOK || !strings.Contains(page, "<h1>Tea</h1>") {
				t.Errorf("front page: got %d %s", status, page)
			}
			if env != nil {
				wantMembers(t, b, map[string]int{"tea-server": 1})
			}
			p.stop(t)
		})
	}
}
