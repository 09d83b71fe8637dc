package web

import (
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"

	"axion/web/assets"
	"axion/web/guard"
	"axion/web/proxy"
	"axion/web/respond"
	"axion/web/telemetry"
)

// handler is everything the dashboard answers. What is below /api is described
// at /api/openapi.json.
func (o Options) handler(token guard.Token, hub http.Handler, services *proxy.Proxy, register []func(huma.API)) http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig(o.Name+" dashboard", o.Version)
	config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", nil
	config.OpenAPIPath = "/api/openapi"
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "apiKey", In: "header", Name: guard.TokenHeader,
			Description: "What /api/session answers; for calls that change something."},
	}
	api := humago.New(mux, config)
	for _, add := range append(register, o.Register...) {
		add(api)
	}
	services.Register(mux, api)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		respond.JSON(w, map[string]string{"status": "ok"})
	})
	if o.Gateway != nil {
		for _, path := range []string{"/api/rawdata", "/api/overview", "/api/version", "/api/entrypoints", "/api/entrypoints/",
			"/api/http/", "/api/tcp/", "/api/udp/", "/api/explain", "/ping"} {
			mux.Handle(path, o.Gateway)
		}
	}
	if o.Metrics != nil {
		mux.Handle("GET /metrics", telemetry.Handler(o.Metrics))
	} else if o.Gateway != nil {
		mux.Handle("/metrics", o.Gateway)
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		respond.Problem(w, http.StatusNotFound, "the dashboard has no such endpoint or method")
	})
	// Where Traefik's dashboard is, people look for their routes.
	for _, path := range []string{"GET /dashboard", "GET /dashboard/"} {
		mux.Handle(path, http.RedirectHandler(assets.RoutesPage, http.StatusFound))
	}
	mux.Handle("/", assets.Handler{Files: o.Assets})
	all := http.NewServeMux()
	all.Handle("GET /ws", hub)
	all.Handle("/", gzhttp.GzipHandler(mux))
	return guard.Guard(token.Guard(all))
}

// ownParts are the packages whose types keep their names in the API.
var ownParts = []string{".", "web", "view", "tryit", "projectevents", "signals", "search"}

// schemaName puts the package's name before those of the types of other packages, some of which are the same.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if part := path.Base(t.PkgPath()); !slices.Contains(ownParts, part) {
		name = strings.ToUpper(part[:1]) + part[1:] + name
	}
	return name
}
