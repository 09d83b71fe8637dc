package web

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/web/telemetry"
	"axion/web/view"

	"github.com/klauspost/compress/gzhttp"
)

// handler is everything the dashboard answers. What is below /api is described
// at /api/openapi.json.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig(s.opts.Name+" dashboard", s.opts.Version)
	config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", nil
	config.OpenAPIPath = "/api/openapi"
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "apiKey", In: "header", Name: tokenHeader, Description: "What /api/session answers; for calls that change something."},
	}
	api := humago.New(mux, config)
	s.register(api)
	if s.flows != nil {
		s.flows.Register(api)
	}
	for _, register := range s.opts.Register {
		register(api)
	}
	projects{client: s.client, log: s.opts.Log}.register(mux, api)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"status": "ok"})
	})
	if s.opts.Gateway != nil {
		for _, path := range []string{"/api/rawdata", "/api/overview", "/api/version", "/api/entrypoints", "/api/entrypoints/",
			"/api/http/", "/api/tcp/", "/api/udp/", "/api/explain", "/ping"} {
			mux.Handle(path, s.opts.Gateway)
		}
	}
	if s.opts.Metrics != nil {
		mux.Handle("GET /metrics", telemetry.Handler(s.opts.Metrics))
	} else if s.opts.Gateway != nil {
		mux.Handle("/metrics", s.opts.Gateway)
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "the dashboard has no such endpoint or method")
	})
	// Where Traefik's dashboard is, people look for their routes.
	for _, path := range []string{"GET /dashboard", "GET /dashboard/"} {
		mux.Handle(path, http.RedirectHandler(routesPage, http.StatusFound))
	}
	mux.Handle("/", assets{s.opts.Assets})
	all := http.NewServeMux()
	all.Handle("GET /ws", s.hub)
	all.Handle("/", gzhttp.GzipHandler(mux))
	return guard(s.token.guard(all))
}

// schemaName tells the types of the parts apart, which have the same names.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if part := path.Base(t.PkgPath()); part != "." && part != "web" && part != "view" && part != "tryit" {
		name = strings.ToUpper(part[:1]) + part[1:] + name
	}
	return name
}

// body is the answer of an operation.
type body[T any] struct{ Body T }

// register adds the operations that are the dashboard's own.
func (s *Server) register(api huma.API) {
	huma.Get(api, "/api/session", func(context.Context, *struct{}) (*body[session], error) {
		return &body[session]{session{s.token}}, nil
	})
	huma.Get(api, "/api/user", func(context.Context, *struct{}) (*body[user], error) {
		return &body[user]{s.opts.user()}, nil
	})
	huma.Get(api, "/api/system", func(ctx context.Context, _ *struct{}) (*body[view.System], error) {
		return &body[view.System]{s.opts.system(ctx)}, nil
	})
	huma.Get(api, "/api/routes", func(context.Context, *struct{}) (*body[routeList], error) {
		return &body[routeList]{s.opts.routes()}, nil
	})
	huma.Get(api, "/api/topics", s.getTopics)
	huma.Get(api, "/api/events", func(_ context.Context, in *struct {
		Project string `query:"project" doc:"The id of the project whose events are wanted; all by default."`
	}) (*body[eventList], error) {
		return &body[eventList]{eventList{Items: s.broadcaster.events.list(in.Project)}}, nil
	})
	s.registerSearch(api)
	if s.opts.Traces != nil {
		traces{s.opts.Traces}.register(api)
		logs{&s.opts.Traces.Logs}.register(api)
	}
	if s.requests != nil {
		s.requests.Register(api)
	}
}

// session is the answer of /api/session: what a page needs to change something.
type session struct {
	Token token `json:"token"`
}

// user is the answer of /api/user: how the development user signs in. Both are empty
// where the stack has no identity provider of its own.
type user struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (o Options) user() (u user) {
	if o.User != nil {
		u.Email, u.Password = o.User()
	}
	return u
}

// eventList is the answer of /api/events: what this process has seen, none from
// before its start, and of many only the newest.
type eventList struct {
	Items []Event `json:"items"`
	Next  string  `json:"next"` // always empty: the list is given whole
}

func (s *Server) getTopics(ctx context.Context, _ *struct{}) (*body[topicList], error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list := s.opts.topics(ctx)
	if list.Error != "" {
		return nil, huma.Error502BadGateway(list.Error)
	}
	return &body[topicList]{list}, nil
}

// routeList is the answer of /api/routes.
type routeList struct {
	Items    []view.Route   `json:"items"`
	Next     string         `json:"next"` // always empty: the table is given whole
	Problems []view.Problem `json:"problems"`
}

// topicList is the answer of /api/topics.
type topicList struct {
	Items []view.Topic `json:"items"`
	Next  string       `json:"next"` // always empty: the list is given whole
	// Error says why the broker could not be asked; Items is empty then.
	Error string `json:"error,omitempty"`
}

func (o Options) system(ctx context.Context) view.System {
	system := o.System(ctx)
	system.Name, system.Version = o.Name, o.Version
	system.Parts = orEmpty(system.Parts)
	return system
}

func (o Options) routes() routeList {
	list := routeList{Items: []view.Route{}, Problems: orEmpty(o.Problems())}
	for _, r := range o.Routes() {
		r.EntryPoints = orEmpty(r.EntryPoints)
		r.Middlewares = orEmpty(r.Middlewares)
		r.Servers = orEmpty(r.Servers)
		r.Errors = orEmpty(r.Errors)
		list.Items = append(list.Items, r)
	}
	return list
}

func (o Options) topics(ctx context.Context) topicList {
	list := topicList{Items: []view.Topic{}}
	topics, err := o.Topics(ctx)
	if err != nil {
		list.Error = err.Error()
		return list
	}
	for _, t := range topics {
		t.Partitions, t.Groups = orEmpty(t.Partitions), orEmpty(t.Groups)
		list.Items = append(list.Items, t)
	}
	return list
}

// orEmpty makes a list that JSON writes as [] in place of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
