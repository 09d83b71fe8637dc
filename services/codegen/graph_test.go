package codegen_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"axion/services/codegen"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// shop has one part of each type.
func shop() *contract.Architecture {
	return &contract.Architecture{
		Nodes: []contract.Node{
			{ID: "api", Type: contract.NodeService, Language: "go"}, {ID: "worker", Type: contract.NodeLogic}, {ID: "db", Type: contract.NodeDatabase},
			{ID: "events", Type: contract.NodeQueue}, {ID: "cache", Type: contract.NodeCache}, {ID: "public", Type: contract.NodeIngress},
		},
		Edges: []contract.Edge{
			{ID: "1", From: "public", To: "api", Type: contract.EdgeHTTP}, {ID: "2", From: "api", To: "db", Type: contract.EdgeDatabase},
			{ID: "3", From: "api", To: "events", Type: contract.EdgeKafka}, {ID: "4", From: "events", To: "worker", Type: contract.EdgeKafka},
			{ID: "5", From: "worker", To: "cache", Type: contract.EdgeDatabase}, {ID: "6", From: "worker", To: "api", Type: contract.EdgeHTTP},
			{ID: "7", From: "api", To: "worker", Type: contract.EdgeGRPC},
		},
	}
}

func generated(t *testing.T, g *contract.Architecture) map[string]string {
	t.Helper()
	reply, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p1", Name: "Shop", Slug: "shop", Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range reply.Files {
		if _, twice := files[f.Path]; twice {
			t.Errorf("%s is there twice", f.Path)
		}
		files[f.Path] = f.Content
	}
	return files
}

func newGenerator(t testing.TB) *codegen.Generator {
	t.Helper()
	g, err := codegen.NewGenerator(os.DirFS("../../embed/blueprints"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGraphCompose has compose's own loader read what was generated.
func TestGraphCompose(t *testing.T) {
	t.Parallel()
	files := generated(t, shop())
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(files["compose.yaml"])}},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, files["compose.yaml"])
	}
	if got := project.ServiceNames(); len(got) != 5 {
		t.Errorf("got the services %v, want all but the ingress", got)
	}
	api := project.Services["api"]
	if got := api.Labels["traefik.http.routers.api-public.rule"]; got != "Host(`public.shop.apps.localhost`)" {
		t.Errorf("got the rule %q", got)
	}
	if api.DependsOn["db"].Condition != types.ServiceConditionHealthy || api.DependsOn["worker"].Condition != "" {
		t.Errorf("got the dependencies %v", api.DependsOn)
	}
	if got := *api.Environment["DATABASE_URL"]; !strings.Contains(got, "@db:5432/") {
		t.Errorf("got DATABASE_URL %q", got)
	}
	for name, s := range project.Services {
		if s.HealthCheck == nil {
			t.Errorf("%s has no health check", name)
		}
	}
}

// TestGraphKubernetes reads every manifest.
func TestGraphKubernetes(t *testing.T) {
	t.Parallel()
	files := generated(t, shop())
	kinds := map[string]int{}
	for path, text := range files {
		if !strings.HasPrefix(path, "k8s/") {
			continue
		}
		d := yaml.NewDecoder(strings.NewReader(text))
		for {
			var m struct{ APIVersion, Kind string }
			var raw map[string]any
			if err := d.Decode(&raw); err != nil {
				break
			}
			text, _ := json.Marshal(raw)
			if err := json.Unmarshal(text, &m); err != nil || m.APIVersion == "" {
				t.Errorf("%s: %v in %v", path, err, raw)
			}
			kinds[m.Kind]++
		}
	}
	for kind, want := range map[string]int{"Deployment": 2, "StatefulSet": 3, "Service": 5, "ConfigMap": 2, "Ingress": 1, "Secret": 1, "Kustomization": 1} {
		if kinds[kind] != want {
			t.Errorf("%s: got %d, want %d", kind, kinds[kind], want)
		}
	}
}

// TestGraphGo builds the generated Go service.
func TestGraphGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, text := range generated(t, shop()) {
		if name, ok := strings.CutPrefix(path, "services/api/"); ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "service"), ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGraphErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*contract.Architecture)
		want   string
	}{
		"Type":     {func(g *contract.Architecture) { g.Nodes[0].Type = "bus" }, `node "api"`},
		"Name":     {func(g *contract.Architecture) { g.Nodes[0].Name = "../etc" }, `node "api"`},
		"Twice":    {func(g *contract.Architecture) { g.Nodes[0].Name = "db" }, `node "db"`},
		"Host":     {func(g *contract.Architecture) { g.Nodes[5].Host = "a`) || Host(`b" }, `node "public"`},
		"Language": {func(g *contract.Architecture) { g.Nodes[0].Language = "cobol" }, `node "api"`},
		"Missing":  {func(g *contract.Architecture) { g.Edges[0].To = "nobody" }, `edge "1"`},
		"Edge":     {func(g *contract.Architecture) { g.Edges[0].Type = "smoke" }, `edge "1"`},
		"Port":     {func(g *contract.Architecture) { g.Nodes[0].Port = 70000 }, `node "api"`},
	} {
		t.Run("Err"+name, func(t *testing.T) {
			t.Parallel()
			g := shop()
			tt.change(g)
			_, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p1", Graph: g})
			if wrong, ok := errors.AsType[*codegen.GraphError](err); !ok || wrong.Part != tt.want {
				t.Errorf("got %v, want one about %s", err, tt.want)
			}
		})
	}
}

func TestBlueprints(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	h, err := codegen.New(t.Context(), hosttest.Options(t, cluster, t.TempDir()), os.DirFS("../../embed/blueprints"))
	s := hosttest.Start(t, h, err)
	list := hosttest.Decode[contract.BlueprintList](t, hosttest.Do(t, http.MethodGet, s.URL+"/api/blueprints", ""), http.StatusOK)
	if len(list.Items) != 2 || list.Items[0].Description == "" || len(list.Items[0].Files) == 0 {
		t.Errorf("got %+v", list)
	}
	one := hosttest.Decode[contract.Blueprint](t, hosttest.Do(t, http.MethodGet, s.URL+"/api/blueprints/static-site", ""), http.StatusOK)
	if one.Name != contract.DefaultTemplate {
		t.Errorf("got %+v", one)
	}
	p := hosttest.WantProblem(t, hosttest.Do(t, http.MethodGet, s.URL+"/api/blueprints/other", ""), http.StatusNotFound)
	if !strings.Contains(p.Detail, contract.NestJSTemplate) {
		t.Errorf("got %q, want the known ones", p.Detail)
	}
}

// FuzzGraph generates from any graph: never a panic, a path outside or YAML that
// cannot be read.
func FuzzGraph(f *testing.F) {
	text, _ := json.Marshal(shop())
	f.Add(string(text))
	f.Add(`{"nodes":[{"id":"a: b\n- c","type":"service","host":"x"}],"edges":[]}`)
	g := newGenerator(f)
	f.Fuzz(func(t *testing.T, text string) {
		var a contract.Architecture
		if json.Unmarshal([]byte(text), &a) != nil {
			return
		}
		reply, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Name: text, Graph: &a})
		if err != nil {
			return
		}
		for _, file := range reply.Files {
			if !filepath.IsLocal(file.Path) {
				t.Fatalf("the path %q leads out", file.Path)
			}
			if strings.HasSuffix(file.Path, ".yaml") {
				d := yaml.NewDecoder(strings.NewReader(file.Content))
				var v any
				if err := d.Decode(&v); err != nil {
					t.Fatalf("%s: %v\n%s", file.Path, err, file.Content)
				}
			}
		}
	})
}
