// Package search looks for a text in all that the dashboard shows.
package search

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/dustin/go-humanize/english"

	"axion/web/client"
	"axion/web/telemetry"
	"axion/web/view"
)

const (
	// maxHits bounds the results of one kind.
	maxHits = 6
	// searchTimeout bounds a whole search.
	searchTimeout = 3 * time.Second
	// maxProjects bounds the answer of the graph service, in bytes.
	maxProjects = 4 << 20
	// maxListed is how many projects are looked at: graph's longest page.
	maxListed = 100
)

// Hit is one result of a search.
type Hit struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty" doc:"What it is, or where it matched."`
	URL   string `json:"url" doc:"Its address on the dashboard."`
}

// Hits are the results of one kind.
type Hits struct {
	Kind  string `json:"kind" enum:"routes,topics,traces,projects,messages"`
	Items []Hit  `json:"items"`
	More  bool   `json:"more,omitempty" doc:"There are others."`
	Note  string `json:"note,omitempty" doc:"What was not looked at, or why there is nothing."`
}

// Found is the answer of /api/search.
type Found struct {
	Query  string `json:"query"`
	Groups []Hits `json:"groups" doc:"Those kinds that have results, or something to say."`
}

// add keeps a result unless there are enough.
func (h *Hits) add(one Hit) {
	if h.More = len(h.Items) == maxHits; !h.More {
		h.Items = append(h.Items, one)
	}
}

// Sources are what is searched. Each may be nil but Routes and Topics.
type Sources struct {
	Routes   func() []view.Route
	Topics   func(context.Context) ([]view.Topic, error)
	Traces   *telemetry.Store
	Projects *client.Client
	// Messages looks for a text in the newest messages, and gives at most so many.
	Messages func(ctx context.Context, text string, limit int) (view.Matches, error)
}

// Register adds /api/search.
func (s Sources) Register(api huma.API) {
	huma.Register(api, huma.Operation{Method: http.MethodGet, Path: "/api/search", OperationID: "search", Tags: []string{"search"},
		Summary:     "Look for routes, topics, traces, projects and messages",
		Description: "At most 6 results of a kind. Of messages the newest 200 of each partition are looked at, for a second at most.",
	}, func(ctx context.Context, in *struct {
		Query string `query:"q" minLength:"1" maxLength:"100" required:"true" doc:"A part of a name, an id, a key or a text, in any case."`
	}) (*struct{ Body Found }, error) {
		ctx, cancel := context.WithTimeout(ctx, searchTimeout)
		defer cancel()
		return &struct{ Body Found }{s.search(ctx, strings.TrimSpace(in.Query))}, nil
	})
}

// search asks all kinds at once.
func (s Sources) search(ctx context.Context, text string) Found {
	f := Found{Query: text, Groups: []Hits{}}
	if text == "" {
		return f
	}
	kinds := []func(context.Context, string) Hits{s.findRoutes, s.findTopics, s.findProjects, s.findTraces, s.findMessages}
	groups := make([]Hits, len(kinds))
	var all sync.WaitGroup
	for i, find := range kinds {
		all.Go(func() { groups[i] = find(ctx, text) })
	}
	all.Wait()
	for _, g := range groups {
		if len(g.Items) > 0 || g.Note != "" {
			g.Items = view.NonNil(g.Items)
			f.Groups = append(f.Groups, g)
		}
	}
	return f
}

// holds reports whether any of the fields holds the text, in any case.
func holds(text string, fields ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), text) })
}

func (s Sources) findRoutes(_ context.Context, text string) Hits {
	h := Hits{Kind: "routes"}
	for _, r := range s.Routes() {
		if holds(text, r.Name, r.Rule, r.Service, r.Origin.Service) {
			h.add(Hit{r.Name, r.Rule, "/routes/" + url.PathEscape(r.Name)})
		}
	}
	return h
}

func (s Sources) findTopics(ctx context.Context, text string) Hits {
	h := Hits{Kind: "topics"}
	topics, err := s.Topics(ctx)
	if err != nil {
		h.Note = "The broker's topics could not be read."
	}
	for _, t := range topics {
		if holds(text, t.Name) {
			h.add(Hit{t.Name, english.Plural(int(t.Messages), "message", ""), "/topics/" + url.PathEscape(t.Name)})
		}
	}
	return h
}

func (s Sources) findTraces(_ context.Context, text string) Hits {
	h := Hits{Kind: "traces"}
	if s.Traces == nil {
		return h
	}
	for _, t := range s.Traces.List(telemetry.Filter{Text: text}, maxHits+1) {
		about := fmt.Sprintf("%s, %.3g ms, %s", t.Start.Local().Format(time.TimeOnly), t.Duration, english.Plural(t.Spans, "span", ""))
		if t.Errors > 0 {
			about += ", with errors"
		}
		h.add(Hit{t.Root, about, "/flow/" + t.TraceID})
	}
	return h
}

func (s Sources) findProjects(ctx context.Context, text string) Hits {
	h := Hits{Kind: "projects"}
	if s.Projects == nil {
		return h
	}
	var list struct {
		Items []struct{ ID, Name, Slug string }
		Next  string
	}
	err := s.Projects.Get(ctx, "/api/projects", url.Values{"limit": {fmt.Sprint(maxListed)}}, maxProjects, &list)
	if err != nil {
		h.Note = "The projects could not be read."
	} else if list.Next != "" {
		h.Note = fmt.Sprintf("The newest %d projects were looked at.", maxListed)
	}
	for _, p := range list.Items {
		if holds(text, p.ID, p.Name, p.Slug) {
			h.add(Hit{p.Name, p.Slug, "/projects/" + url.PathEscape(p.ID)})
		}
	}
	if len(h.Items) == 0 && err == nil {
		h.Note = ""
	}
	return h
}

func (s Sources) findMessages(ctx context.Context, text string) Hits {
	h := Hits{Kind: "messages"}
	if s.Messages == nil {
		return h
	}
	found, err := s.Messages(ctx, text, maxHits+1)
	switch {
	case err != nil:
		h.Note = "The messages could not be read."
	case found.Cut:
		h.Note = fmt.Sprintf("Only the newest %s looked at: the time was over.", english.Plural(found.Searched, "message was", "messages were"))
	case len(found.Items) > 0:
		h.Note = fmt.Sprintf("The newest of each partition were looked at, %d in all.", found.Searched)
	}
	for _, m := range found.Items {
		h.add(Hit{cmp.Or(m.Text, m.Key, "(empty)"), fmt.Sprintf("%s/%d at %d", m.Topic, m.Partition, m.Offset),
			fmt.Sprintf("/topics/%s/messages/%d/%d", url.PathEscape(m.Topic), m.Partition, m.Offset)})
	}
	return h
}
