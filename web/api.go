package web

import (
	"context"
	"net/http"
)

// handler is everything the dashboard answers.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /api/system", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, s.opts.system(r.Context()))
	})
	mux.HandleFunc("GET /api/routes", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.opts.routes())
	})
	mux.HandleFunc("GET /api/topics", s.getTopics)
	projects := projects{calls: s.calls, events: &s.feed.events, log: s.opts.Log}
	projects.register(mux)
	if s.opts.Gateway != nil {
		for _, path := range []string{"/api/rawdata", "/api/overview", "/api/version", "/api/entrypoints", "/api/entrypoints/",
			"/api/http/", "/api/tcp/", "/api/udp/", "/api/explain", "/metrics", "/ping"} {
			mux.Handle(path, s.opts.Gateway)
		}
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "the dashboard has no such endpoint or method")
	})
	mux.Handle("GET /ws", s.hub)
	mux.Handle("/", assets{s.opts.Assets})
	return guard(mux)
}

func (s *Server) getTopics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	list := s.opts.topics(ctx)
	if list.Error != "" {
		writeProblem(w, http.StatusBadGateway, list.Error)
		return
	}
	writeJSON(w, list)
}

// routeList is the answer of /api/routes.
type routeList struct {
	Items    []Route   `json:"items"`
	Next     string    `json:"next"` // always empty: the table is given whole
	Problems []Problem `json:"problems"`
}

// topicList is the answer of /api/topics.
type topicList struct {
	Items []Topic `json:"items"`
	Next  string  `json:"next"` // always empty: the list is given whole
	// Error says why the broker could not be asked; Items is empty then.
	Error string `json:"error,omitempty"`
}

func (o Options) system(ctx context.Context) System {
	system := o.System(ctx)
	system.Name, system.Version = o.Name, o.Version
	system.Parts = orEmpty(system.Parts)
	return system
}

func (o Options) routes() routeList {
	list := routeList{Items: []Route{}, Problems: orEmpty(o.Problems())}
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
	list := topicList{Items: []Topic{}}
	topics, err := o.Topics(ctx)
	if err != nil {
		list.Error = err.Error()
		return list
	}
	for _, t := range topics {
		t.Partitions = orEmpty(t.Partitions)
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
