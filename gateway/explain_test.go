package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/explain"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	url := upstream(t, "app")
	s := start(t, compose(slices.Concat(
		route("shop", "Host(`shop.localhost`) && PathPrefix(`/api`)", url, "tls=true", "middlewares=strip"),
		[]string{"http.middlewares.strip.stripprefix.prefixes=/api"},
		route("all", "Host(`shop.localhost`)", url, "tls=true"),
		route("post", "Host(`post.localhost`) && Method(`POST`)", url, "tls=true"),
		route("off", "Host(`off.localhost`)", url, "tls=true", "middlewares=missing"),
	)...))
	ask := func(q explain.Request) *explain.Explanation {
		t.Helper()
		a, err := s.Explainer.Explain(q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		return a
	}
	t.Run("OK/Taken", func(t *testing.T) {
		a := ask(explain.Request{URL: "https://shop.localhost/api/x"})
		if a.Router == nil || a.Router.Name != "shop@docker" || a.Server != url || !slices.Equal(a.Router.Middlewares, []string{"strip@docker"}) {
			t.Fatalf("got %+v", a)
		}
		if a.Second == nil || a.Second.Name != "all@docker" {
			t.Errorf("second: got %+v, want all@docker", a.Second)
		}
		var text strings.Builder
		if err := explain.Print(&text, a); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"taken by shop@docker", "✓ PathPrefix(`/api`)", "strip@docker", url + " (UP)",
			"would come next all@docker"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("text lacks %q:\n%s", want, text.String())
			}
		}
	})
	for name, tt := range map[string]struct {
		q            explain.Request
		near, change string
	}{
		"ErrMethod": {explain.Request{URL: "https://post.localhost/"}, "post@docker", "-X POST"},
		"ErrScheme": {explain.Request{URL: "http://post.localhost/", Method: "post"}, "post@docker", "https:// on entrypoint websecure"},
		"ErrHost":   {explain.Request{URL: "https://shp.localhost/"}, "all@docker", "the host shop.localhost"},
		"ErrHostLine": {explain.Request{URL: "https://127.0.0.1/", Header: http.Header{"Host": {"shopp.localhost"}}}, "all@docker",
			"the host shop.localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(tt.q)
			if a.Router != nil || len(a.Near) == 0 {
				t.Fatalf("got router %+v, near %+v; want a near miss", a.Router, a.Near)
			}
			i := slices.IndexFunc(a.Near, func(j explain.RouterVerdict) bool { return j.Name == tt.near })
			if i < 0 || a.Near[i].Change != tt.change {
				t.Errorf("near: got %+v, want %s by %q", a.Near, tt.near, tt.change)
			}
		})
	}
	for name, bad := range map[string]string{"ErrNoHost": "https:///x", "ErrURL": "https://a b/", "ErrSchemeUnknown": "ftp://a/"} {
		t.Run(name, func(t *testing.T) {
			if a, err := s.Explainer.Explain(explain.Request{URL: bad}); err == nil {
				t.Errorf("got %+v, want an error", a)
			}
		})
	}
}

// apiGet asks the gateway's API.
func apiGet(t *testing.T, g *gateway.Gateway, path string, to any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	g.API().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		t.Fatalf("%s: %v in %q", path, err, w.Body.String())
	}
	return w
}

func TestAPI(t *testing.T) {
	t.Parallel()
	up := upstream(t, "app")
	s := start(t, compose(slices.Concat(
		route("a", "Host(`a.localhost`)", up, "tls=true", "middlewares=h"),
		[]string{"http.middlewares.h.headers.stsseconds=7"},
		route("b", "Host(`b.localhost`)", up, "middlewares=missing"),
	)...))
	var raw struct {
		Routers     map[string]map[string]any
		Services    map[string]map[string]any
		Middlewares map[string]map[string]any
		Problems    []map[string]any
	}
	apiGet(t, s.Gateway, "/api/rawdata", &raw)
	want(t, "router", raw.Routers["a@docker"]["status"], any("enabled"))
	want(t, "rule", raw.Routers["a@docker"]["rule"], any("Host(`a.localhost`)"))
	want(t, "server", raw.Services["a@docker"]["serverStatus"].(map[string]any)[up], any("UP"))
	want(t, "header", raw.Middlewares["h@docker"]["headers"].(map[string]any)["stsSeconds"], any(7.0))
	if len(raw.Problems) == 0 {
		t.Error("the missing middleware is no problem")
	}
	var list []map[string]any
	w := apiGet(t, s.Gateway, "/api/http/routers?per_page=1&search=a@docker", &list)
	want(t, "page", w.Header().Get("X-Next-Page"), "1")
	want(t, "routers", len(list), 1)
	var one map[string]any
	apiGet(t, s.Gateway, "/api/http/services/a@docker", &one)
	want(t, "service", one["name"], any("a@docker"))
	w = apiGet(t, s.Gateway, "/api/http/services/z@docker", &one)
	want(t, "status", w.Code, http.StatusNotFound)
	want(t, "message", one["message"], any("service not found: z@docker"))
	var overview map[string]map[string]any
	w = httptest.NewRecorder()
	s.API.ServeHTTP(w, httptest.NewRequest("GET", "/api/overview", nil))
	_ = json.Unmarshal(w.Body.Bytes(), &overview)
	if _, ok := overview["http"]["routers"]; !ok {
		t.Errorf("overview: got %s", w.Body.String())
	}
	var a explain.Explanation
	apiGet(t, s.Gateway, "/api/explain?url="+url.QueryEscape("https://a.localhost/"), &a)
	if a.Router == nil || a.Router.Name != "a@docker" {
		t.Errorf("explain: got %+v", a)
	}
	w = httptest.NewRecorder()
	s.API.ServeHTTP(w, httptest.NewRequest("POST", "/api/rawdata", nil))
	if w.Code < 400 {
		t.Errorf("POST: got %d", w.Code)
	}
}
