package stacktest_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestDashboard creates a project on the page, as a user does, and follows it to
// the link of its live site.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t) // first: without a browser no stack need start
	s := stacktest.Launch(t, binary)
	b.Open(s.Dashboard)
	b.Await("all healthy", contract.Graph, "localhost", s.User, s.Password)
	b.Open(s.Dashboard + "/routes")
	b.Await("graph.localhost", "PathPrefix")
	b.Open(s.Dashboard + "/topics")
	b.Await(contract.Topic(contract.Graph), contract.EventsTopic)
	b.Open(s.Dashboard + "/projects")
	b.Await("No projects yet", "A static page with the project's title") // which moves the button
	b.Run(chromedp.SendKeys(chromedp.CSS("#name"), "From the page"))
	b.Run(chromedp.Click(chromedp.CSS("form button[type=submit]")))
	b.Await("Live at", "Provisioned")
	link, err := chromedp.Run(b.Context, chromedp.AttributeValue(chromedp.CSS("a.site"), "href"))
	if err != nil {
		t.Fatal(err)
	}
	if want := s.URL("from-the-page."+contract.AppsDomain, ""); link.Value != want {
		t.Errorf("link: got %s, want %s", link.Value, want)
	}
	if page := s.Get(t, link.Value+"/"); page.Status != 200 {
		t.Errorf("site: got %d", page.Status)
	}
	// What the page looks at by itself is no request of anybody's.
	if traces := string(s.Get(t, s.Dashboard+"/api/traces").Body); !strings.Contains(traces, `"POST graph.localhost/api/projects"`) ||
		strings.Contains(traces, `"GET graph.localhost`) {
		t.Errorf("traces: got %s", traces)
	}
	b.AssertNoConsoleErrors()
}
