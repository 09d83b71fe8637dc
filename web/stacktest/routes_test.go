package stacktest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"axion/web/stacktest"
)

// routed starts a stack over a compose file that has a bit of everything, and gives
// the file with the rule that stands in it.
func routed(t *testing.T) (s *stacktest.Process, save func(rule string)) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api-json" {
			_, _ = w.Write([]byte(`{"openapi":"3.0.0","info":{"title":"Shop","version":"7"},"paths":{"/items/{id}":{"get":{"summary":"One item",
				"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer","minimum":1}}]}}}}`))
			return
		}
		if strings.HasPrefix(r.URL.Path, "/items/") {
			_, _ = w.Write([]byte(`{"item":"` + r.URL.Path[len("/items/"):] + `"}`))
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "compose.yaml")
	save = func(rule string) {
		t.Helper()
		text := compose(rule, u.Port()) + `      - traefik.http.routers.shop.middlewares=shop-users
      - traefik.http.middlewares.shop-users.headers.customrequestheaders.Authorization=Bearer hunter2
      - traefik.tcp.routers.db.rule=HostSNI(` + "`db.localhost`" + `)
      - traefik.tcp.routers.db.tls=true
      - traefik.tcp.services.db.loadbalancer.server.port=` + u.Port() + `
`
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	save("Host(`shop.localhost`)")
	return stacktest.Launch(t, binary, "-f", file), save
}

// everySize checks that a page fits and is accessible, large and small.
func everySize(b *stacktest.Tab, where string) {
	for _, size := range []int64{1440, 390} {
		for _, theme := range []string{stacktest.Light, stacktest.Dark} {
			b.Show(size, 900, theme)
			b.AssertNoOverflow(where, size)
			b.Accessible(where + " " + theme)
		}
	}
	b.Show(1440, 900, stacktest.Light)
}

// TestRoutesPage opens every part of Routes by its address.
func TestRoutesPage(t *testing.T) {
	t.Parallel()
	stacktest.NeedNode(t)
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	for _, p := range []struct {
		path  string
		words []string
	}{
		{"/routes", []string{"shop@docker", "TCP and UDP", "db@docker"}},
		{"/routes/shop@docker", []string{"shop-users@docker", "Where it is defined", "Explain a request"}},
		{"/routes/tcp/db@docker", []string{"HostSNI(`db.localhost`)", "ends here"}},
		{"/routes/services/http/shop@docker", []string{"weighted round robin", "1 server", "Up"}},
		{"/routes/services/http/gone@docker", []string{"not in the table"}},
		{"/routes/middlewares/http/shop-users@docker", []string{"customRequestHeaders", "•••", "shop@docker"}},
		{"/routes/middlewares?q=zzz", []string{"No middleware matches"}},
		{"/routes/entrypoints/websecure", []string{"127.0.0.1:", "shop@docker"}},
		{"/routes/certificates/shop.localhost", []string{"at first use", "axion trust", "shop@docker"}},
		{"/routes/explain", []string{"Which router takes a request?"}},
	} {
		b.Open(s.Dashboard + p.path)
		b.Await(p.words...)
		everySize(b, p.path)
	}
	b.AwaitGone("hunter2")
	b.AssertNoConsoleErrors()
}

// TestRoutesLive breaks a label while the page is open, and fixes it.
func TestRoutesLive(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s, save := routed(t)
	b.Open(s.Dashboard + "/routes")
	b.Await("shop@docker")
	save("Hots(`shop.localhost`)")
	b.Await("Hots is not a matcher", "did you mean Host?", "traefik.http.routers.shop.rule", "compose.yaml:6")
	b.AwaitTrue("(text) => document.querySelector('.snippet .at')?.textContent.includes(text)", "Hots(`shop.localhost`)")
	b.AwaitTrue("(text) => !document.body.innerText.includes(text)", "hunter2")
	everySize(b, "/routes with an error")
	save("Host(`store.localhost`)")
	b.AwaitGone("Hots is not a matcher")
	b.Await("store.localhost")
	b.AssertNoConsoleErrors()
}

// TestExplain asks what becomes of requests, as one types, and sends one.
func TestExplain(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	explain := func(address string) { b.Open(s.Dashboard + "/routes/explain?" + url.Values{"url": {address}}.Encode()) }
	explain(s.URL("shop.localhost", "/items/7"))
	b.Await("Taken by", "shop@docker", "matches", "shop-users@docker")
	b.Run(chromedp.Click(chromedp.CSS(".try .button.primary")))
	b.Await("200 OK", "See what it caused", "Request id")
	b.AwaitTrue("(text) => document.querySelector('.answer .json-tree')?.textContent.includes(text)", `"item": "7"`)
	b.Run(chromedp.Click(chromedp.CSS(".answer-head a")))
	b.AwaitTrue("(path) => location.pathname.startsWith(path)", "/flow/")
	b.Await("GET shop.localhost/items/7")

	explain(s.URL("shpo.localhost", "/"))
	b.Await("No router takes it: the answer is 404", "Near misses", "It would take the request with", "the host shop.localhost")
	everySize(b, "explain a 404")
	b.Run(chromedp.Focus(chromedp.CSS(".question-url input")), chromedp.KeyEvent(kb.End), chromedp.KeyEvent("x"))
	b.AwaitTrue("(text) => location.search.endsWith(text)", "x")

	explain(s.URL("graph.localhost", "/api/graph/projects"))
	b.Await("Came second", "with the lower priority", "axion-graph-strip@docker")
	explain("ftp://graph.localhost/")
	b.Await("That is no request yet")
	// The failed question is answered by the API with 400, which browsers log.
}

// TestRoutesKeys goes through the list and closes the panel by keys.
func TestRoutesKeys(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	b.Open(s.Dashboard + "/routes/services")
	b.Await("shop@docker")
	b.Run(chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter))
	b.AwaitTrue("(path) => location.pathname.startsWith(path)", "/routes/services/http/")
	b.Await("Settings")
	b.Run(chromedp.KeyEvent(kb.Escape))
	b.AwaitTrue("(path) => location.pathname === path", "/routes/services")
	b.Run(chromedp.KeyEvent("g"), chromedp.KeyEvent("v"))
	b.AwaitTrue("(path) => location.pathname === path", "/services")
	b.AssertNoConsoleErrors()
}
