package stacktest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestDashboardGraph creates a project on the page, gives it a graph of two nodes
// that are connected, reads what is generated from it, deploys it and opens its site.
func TestDashboardGraph(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s := stacktest.Launch(t, binary)
	click := func(selector string) {
		t.Helper()
		b.AwaitTrue("(it) => document.querySelector(it)?.disabled === false || document.querySelector(it)?.href !== undefined", selector)
		b.Run(chromedp.Click(chromedp.CSS(selector)))
	}
	b.Open(s.Dashboard + "/projects")
	b.Await("No projects yet", "A static page with the project's title") // the blueprints, as codegen lists them
	b.Run(chromedp.SendKeys(chromedp.CSS("#name"), "Tea room"))
	click("form button[type=submit]")
	b.Await("Live at", "POST graph.localhost/api/projects") // the trace of the creation
	click(`.tab[href$="/graph"]`)
	b.Await("Nothing is here yet")
	click(".add.is-database")
	click(".add.is-service")
	click(".connect .button")
	b.Await("1 connection", "3 unsaved changes")
	click(".toolbar .primary")
	b.Await("Version 1")

	// The service has it, and generates from it.
	address, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(address, "/")[2]
	var graph contract.Architecture
	s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+id+"/graph"), s.Token, nil).Decode(t, 200, &graph)
	if len(graph.Nodes) != 2 || len(graph.Edges) != 1 || graph.Edges[0].Type != contract.EdgeDatabase {
		t.Errorf("graph: got %+v, want a service with a database", graph)
	}
	click(`.tab[href$="/files"]`)
	b.Await("compose.yaml", "services/service/")
	click(`.tree-file[href$="/files/compose.yaml"]`)
	b.Await("DATABASE_URL")

	click(`.tab[href$="/deployments"]`)
	b.Await("1 deployment")
	click(".deploy-head .primary")
	b.Await("2 deployments", "Deploy the same again", "succeeded: ")
	link, err := chromedp.Run(b.Context, chromedp.AttributeValue(chromedp.CSS(".deployment .outside"), "href"))
	if err != nil {
		t.Fatal(err)
	}
	if page := s.Get(t, link.Value+"/"); page.Status != 200 {
		t.Errorf("site %s: got %d", link.Value, page.Status)
	}
	click(`.tab[href$="/history"]`)
	b.Await("GRAPH_CHANGED", "DEPLOYMENT_REQUESTED", "PROJECT_CREATED")
	b.AssertNoConsoleErrors()
}
