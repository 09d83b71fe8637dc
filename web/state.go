package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/guard"
	"axion/web/live"
	"axion/web/view"
)

// topicsTimeout bounds how long the broker is asked for its topics.
const topicsTimeout = 10 * time.Second

// Kinds of messages to pages, each of which carries a whole state.
const (
	kindSystem = "system"
	kindRoutes = "routes"
	kindTopics = "topics"
	// kindServices is of the services of the compose file.
	kindServices = "services"
)

// body is the answer of an operation.
type body[T any] struct{ Body T }

// publish has the state read while a page is open.
func (o Options) publish(b *live.Broadcaster) {
	b.Add(kindSystem, func(ctx context.Context) any { return o.system(ctx) })
	b.Add(kindRoutes, func(context.Context) any { return o.routes() })
	b.Add(kindTopics, func(ctx context.Context) any { return o.topics(ctx) })
	b.Add(kindServices, func(context.Context) any { return serviceList{view.NonNil(o.Services())} })
}

// register adds the operations that show the state.
func (o Options) register(api huma.API, token guard.Token) {
	huma.Get(api, "/api/session", func(context.Context, *struct{}) (*body[session], error) {
		return &body[session]{session{token}}, nil
	})
	huma.Get(api, "/api/user", func(context.Context, *struct{}) (*body[user], error) {
		return &body[user]{o.user()}, nil
	})
	huma.Get(api, "/api/system", func(ctx context.Context, _ *struct{}) (*body[view.System], error) {
		return &body[view.System]{o.system(ctx)}, nil
	})
	huma.Get(api, "/api/routes", func(context.Context, *struct{}) (*body[routeList], error) {
		return &body[routeList]{o.routes()}, nil
	})
	huma.Get(api, "/api/topics", o.getTopics)
}

func (o Options) getTopics(ctx context.Context, _ *struct{}) (*body[topicList], error) {
	ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	list := o.topics(ctx)
	if list.Error != "" {
		return nil, huma.Error502BadGateway(list.Error)
	}
	return &body[topicList]{list}, nil
}

// session is the answer of /api/session: what a page needs to change something.
type session struct {
	Token guard.Token `json:"token"`
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

// routeList is the answer of /api/routes.
type routeList struct {
	Items    []view.Route   `json:"items"`
	Next     string         `json:"next"` // always empty: the table is given whole
	Problems []view.Problem `json:"problems"`
}

// serviceList is the services of the compose file, as pages get them.
type serviceList struct {
	Items []view.Service `json:"items"`
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
	system.Parts = view.NonNil(system.Parts)
	return system
}

func (o Options) routes() routeList {
	list := routeList{Items: []view.Route{}, Problems: view.NonNil(o.Problems())}
	for _, r := range o.Routes() {
		r.EntryPoints = view.NonNil(r.EntryPoints)
		r.Middlewares = view.NonNil(r.Middlewares)
		r.Servers = view.NonNil(r.Servers)
		r.Errors = view.NonNil(r.Errors)
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
		t.Partitions, t.Groups = view.NonNil(t.Partitions), view.NonNil(t.Groups)
		list.Items = append(list.Items, t)
	}
	return list
}
