package codegen_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/codegen"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// shop has one part of each type.
func shop() *contract.Architecture {
	return &contract.Architecture{
		Nodes: []contract.Node{
			{ID: "api", Type: contract.NodeService, Language: "go"}, {ID: "worker", Type: contract.NodeLogic},
			{ID: "db", Type: contract.NodeDatabase},
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

// load has compose's own loader read a compose file.
func load(t testing.TB, text string) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
	}, func(o *loader.Options) { o.SetProjectName("shop", false) })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return project
}

func TestGraphCompose(t *testing.T) {
	t.Parallel()
	project := load(t, generated(t, shop())["compose.yaml"])
	if got := project.ServiceNames(); len(got) != 5 {
		t.Errorf("got the services %v, want all but the ingress", got)
	}
	api := project.Services["api"]
	if got := api.Labels["traefik.http.routers.shop_api_public.rule"]; got != "Host(`public.shop.apps.localhost`)" {
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
		"Taken":    {func(g *contract.Architecture) { g.Nodes[0].Port, g.Nodes[1].Port = 80, 80 }, `node "worker"`},
		"ID":       {func(g *contract.Architecture) { g.Nodes[0].ID = "" }, `node ""`},
		"SameID":   {func(g *contract.Architecture) { g.Nodes[1].ID = "api" }, `node "api"`},
		"Labels":   {func(g *contract.Architecture) { g.Nodes[5].Host = "a..b" }, `node "public"`},
		"Self":     {func(g *contract.Architecture) { g.Edges[6].To = "api" }, `edge "7"`},
		"Fit":      {func(g *contract.Architecture) { g.Edges[1].Type = contract.EdgeHTTP }, `edge "2"`},
		"NoID":     {func(g *contract.Architecture) { g.Edges[1] = contract.Edge{Type: contract.EdgeHTTP} }, `edge 1`},
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
