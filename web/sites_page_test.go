package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
	"axion/web/telemetry"
)

// TestPageSitesNow: what an earlier run of the stack deployed is shown at the port that
// the gateway has now, wherever its address is.
func TestPageSitesNow(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	s.realistic()
	o := s.options(t, "127.0.0.1:0", g)
	o.Traces = telemetry.New()
	s.start(t, o)
	g.mu.Lock()
	id, _ := g.addProject("Shop", "static-site", map[string]any{})["id"].(string)
	g.mu.Unlock()
	g.tell(id, "DEPLOYMENT_SUCCEEDED", `{"url":"https://shop.apps.localhost:40001"}`)
	b := stacktest.OpenTab(t)
	const now = "shop.apps.localhost:8443"
	for _, page := range []struct{ path, word, site string }{{"/", "Deployed", now}, {"/projects/" + id, "Live at", "https://" + now}} {
		b.Open("http://" + s.address + page.path)
		b.Await(page.word, page.site)
		stale, err := chromedp.Run(b.Context, chromedp.Evaluate[bool](`document.querySelector("main").innerHTML.includes(":40001")`))
		if err != nil || stale {
			t.Errorf("%s shows the port of an earlier run: %v, %v", page.path, stale, err)
		}
	}
	b.Await("not kept any more") // the trace, which is asked for last
	b.AssertNoConsoleErrors()
}
