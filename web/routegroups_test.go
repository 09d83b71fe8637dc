package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
	"axion/web/view"
)

// TestRouteGroups runs the page's own module over routers.
func TestRouteGroups(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	router := func(name, rule string, priority int, tls bool, status, file string) string {
		return fmt.Sprintf(`{name: %q, rule: %q, priority: %d, tls: %t, status: %q, service: "s", origin: {file: %q}}`, name, rule, priority, tls,
			status, file)
	}
	tests := []struct {
		name   string
		routes []string
		want   string
	}{
		{"OKNone", nil, "own: builtin:"},
		{"OKOwnFirst", []string{
			router("a", "A", 9, true, "enabled", "embedded"), router("b", "B", 3, true, "enabled", "compose.yaml"),
			router("c", "C", 5, true, "disabled", "compose.yaml"),
		}, "own: c b builtin: a"},
		{"OKTwinAfterItsRouter", []string{
			router("a-web", "A", 9, false, "enabled", "embedded"), router("b", "B", 9, true, "enabled", "embedded"),
			router("a", "A", 9, true, "enabled", "embedded"),
		}, "own: builtin: b a (a-web)"},
		{"OKTwinWithProblem", []string{
			router("a-web", "A", 9, false, "disabled", "embedded"), router("a", "A", 9, true, "enabled", "embedded"),
		}, "own: builtin: a-web a"},
		{"OKPlainAlone", []string{router("a-web", "A", 9, false, "enabled", "embedded")}, "own: builtin: a-web"},
		{"OKTwinOfAnotherFile", []string{
			router("a-web", "A", 9, false, "enabled", "embedded"), router("a", "A", 9, true, "enabled", "compose.yaml"),
		}, "own: a builtin: a-web"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := fmt.Sprintf(`import("/js/routegroups.js").then(({routeGroups}) => Object.entries(routeGroups([%s])).map(([group, rows]) =>
				[group + ":", ...rows.map(({route, twin}) => twin ? "(" + route.name + ")" : route.name)].join(" ")).join(" "))`,
				strings.Join(tt.routes, ", "))
			got, err := chromedp.Run(b.Context, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
			if err != nil || got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// TestPageDistinguishesRouters: a router that does not serve has no link, and a host
// stays in one piece beside the panel.
func TestPageDistinguishesRouters(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.realistic()
	s.routes = append(s.routes,
		view.Route{Name: "infrastructure-console@docker", Rule: "Host(`infrastructure-web.localhost`)", Priority: 22,
			EntryPoints: []string{"websecure"}, TLS: true, Service: "shop@docker", Status: view.RouteEnabled,
			Origin: view.Origin{File: "compose.yaml", Line: 6}},
		view.Route{Name: "bad@docker", Rule: "Host(`bad.localhost`)", Priority: 21, EntryPoints: []string{"websecure"}, TLS: true,
			Service: "bad@docker", Status: view.RouteDisabled, Origin: view.Origin{File: "compose.yaml", Line: 13}})
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	const links = `(want) => document.querySelectorAll(".detail-body a.outside").length === Number(want)`
	b.Open("http://" + s.address + "/routes/infrastructure-console%40docker")
	b.Await("Yours", "Built in", "compose.yaml:6")
	b.AwaitTrue(links, "1")
	b.AwaitTrue(`() => [...document.querySelectorAll(".split-list .whole")].every((matcher) => matcher.getBoundingClientRect().height <= 20) &&
		document.querySelector(".split-list").scrollWidth <= document.querySelector(".split-list").clientWidth`, "")
	b.Open("http://" + s.address + "/routes/bad%40docker")
	b.Await("compose.yaml:13")
	b.AwaitTrue(links, "0")
	b.AssertNoConsoleErrors()
}
