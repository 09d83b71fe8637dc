package codegen_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"axion/services/contract"
)

// TestNames has names that become the same, or mean something elsewhere, end up
// apart and as data.
func TestNames(t *testing.T) {
	t.Parallel()
	ids := []string{
		"api", "API", "Api", "a.p.i", "A P I", "a-p-i", "7", "service-7", "localhost", "null", "on", "true", "1e3", "secret", "kustomization",
		"namespace",
		"constructor", "con", "v1", "main", "-", "--", "日本", "a: b\n- c", `"; rm -rf / #`, "`${process.exit()}`", "{{.}}", "../../etc",
		strings.Repeat("x", 60),
	}
	g := &contract.Architecture{}
	for _, id := range ids {
		g.Nodes = append(g.Nodes, contract.Node{ID: id, Type: contract.NodeService, Language: "go"})
	}
	files := generated(t, g)
	project := load(t, files["compose.yaml"])
	if len(project.Services) != len(ids) {
		t.Errorf("got %d services of %d nodes: %v", len(project.Services), len(ids), project.ServiceNames())
	}
	form := regexp.MustCompile(`^[a-z][a-z0-9-]{0,51}$`)
	folders := map[string]bool{}
	for name := range files {
		if rest, ok := strings.CutPrefix(name, "services/"); ok {
			folder, _, _ := strings.Cut(rest, "/")
			folders[folder] = true
		}
	}
	if got := slices.Sorted(maps.Keys(folders)); !slices.Equal(got, slices.Sorted(slices.Values(project.ServiceNames()))) {
		t.Errorf("the folders are %v and the services %v", got, project.ServiceNames())
	}
	for name := range folders {
		if !form.MatchString(name) || name == "localhost" {
			t.Errorf("a service is called %q", name)
		}
		if files["k8s/"+name+".service.yaml"] == "" {
			t.Errorf("%s has no manifest of its own", name)
		}
	}
	for _, want := range []string{"api", "api-2", "api-3", "service-7", "service-7-2", "service-localhost"} {
		if !folders[want] {
			t.Errorf("there is no %s in %v", want, slices.Sorted(maps.Keys(folders)))
		}
	}
}

// TestNamesApart has routers of parts whose names join to the same stay two.
func TestNamesApart(t *testing.T) {
	t.Parallel()
	g := &contract.Architecture{
		Nodes: []contract.Node{
			{ID: "a-b", Type: contract.NodeService}, {ID: "c", Type: contract.NodeIngress, Host: "one.example.com"},
			{ID: "a", Type: contract.NodeService}, {ID: "b-c", Type: contract.NodeIngress, Host: "two.example.com"},
		},
		Edges: []contract.Edge{{ID: "1", From: "c", To: "a-b", Type: contract.EdgeHTTP},
			{ID: "2", From: "b-c", To: "a", Type: contract.EdgeHTTP}},
	}
	routers := map[string]string{}
	for _, s := range load(t, generated(t, g)["compose.yaml"]).Services {
		for label, value := range s.Labels {
			if strings.HasSuffix(label, ".rule") {
				routers[label] = value
			}
		}
	}
	if len(routers) != 2 {
		t.Errorf("got the routers %v, want two", routers)
	}
}

// TestNamesData has a hostile title leave every file of code as it is.
func TestNamesData(t *testing.T) {
	t.Parallel()
	code := func(title string) map[string]string {
		reply, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p", Name: title, Slug: "shop", Graph: exchange()})
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range reply.Files {
			if strings.Contains(f.Path, "/") || f.Path == "compose.yaml" {
				files[f.Path] = f.Content
			}
		}
		return files
	}
	want := code("Shop")
	for _, title := range []string{"*/ panic(0) /*", "'; process.exit() //", "\n  evil: true", "${IFS}", "`); evil(`", "\u2028"} {
		if got := code(title); !maps.Equal(got, want) {
			t.Errorf("the title %q changes the code", title)
		}
	}
}

// TestTemplateNames has names that YAML takes for something else stay names.
func TestTemplateNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"null", "On", "true", "7", "~", "1e3", "🙂"} {
		reply, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p", Name: name, Template: contract.NestJSTemplate})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(reply.Files, func(f contract.File) bool { return f.Path == "compose.yaml" })
		services := load(t, reply.Files[at].Content).Services
		if len(services) != 1 {
			t.Errorf("%q: got the services %v", name, services)
		}
		for _, s := range services {
			if s.HealthCheck == nil {
				t.Errorf("%q: %s has no health check", name, s.Name)
			}
		}
	}
}

// TestGraphBounds has the largest graph generate, and a larger one refused.
func TestGraphBounds(t *testing.T) {
	t.Parallel()
	g := &contract.Architecture{}
	for i := range 200 {
		g.Nodes = append(g.Nodes, contract.Node{ID: fmt.Sprintf("n%d", i), Type: contract.NodeService, Language: "go"})
	}
	if got := len(load(t, generated(t, g)["compose.yaml"]).Services); got != 200 {
		t.Errorf("got %d services", got)
	}
	g.Nodes = append(g.Nodes, contract.Node{ID: "more", Type: contract.NodeService})
	if _, err := newGenerator(t).Generate(contract.GenerateCodeRequest{ProjectID: "p", Graph: g}); err == nil ||
		!strings.Contains(err.Error(), "more than 200 nodes") {
		t.Errorf("got %v", err)
	}
}
