// Package api shows the services of a compose project over HTTP, and starts and stops
// them.
package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/runner"
	"axion/web/view"
)

// API is the operations on a project's services. It is safe for concurrent use.
type API struct {
	// Runner runs the services; nil where there are none.
	Runner *runner.Runner
	// Environment is what each service gets that the file does not set; it is not to change.
	Environment map[string]string
	// Shutdown has the stack end, and returns before it has.
	Shutdown func()
}

// serviceList is the answer of /api/services.
type serviceList struct {
	Items []view.Service `json:"items"`
	Next  string         `json:"next" doc:"Always empty: the list is given whole."`
}

// variableList is the answer of /api/services/{name}/environment.
type variableList struct {
	Items []runner.Variable `json:"items"`
	Next  string            `json:"next" doc:"Always empty: the list is given whole."`
}

type body[T any] struct{ Body T }

type named struct {
	Name string `path:"name" doc:"Of the service, as the compose file has it."`
}

// action is a request to do something with a service.
type action struct {
	Name  string `path:"name" doc:"Of the service, as the compose file has it."`
	Agent string `header:"User-Agent" hidden:"true"`
}

// cause says where the request came from: every browser begins so (RFC 9110, 10.1.5, as
// all of them fill it in).
func (a *action) cause() string {
	if strings.HasPrefix(a.Agent, "Mozilla/") {
		return "from the page"
	}
	return "from the command line"
}

// Register adds the operations to an API.
func (a *API) Register(api huma.API) {
	says := func(summary string) func(*huma.Operation) {
		return func(o *huma.Operation) { o.Summary, o.Tags = summary, []string{"services"} }
	}
	guarded := func(o *huma.Operation) { o.Security = []map[string][]string{{"token": {}}} }
	huma.Get(api, "/api/services", func(context.Context, *struct{}) (*body[serviceList], error) {
		return &body[serviceList]{serviceList{Items: a.Services()}}, nil
	}, says("List the services of the compose file"))
	huma.Get(api, "/api/services/{name}", func(_ context.Context, in *named) (*body[view.Service], error) { return a.one(in.Name) },
		says("Show a service"))
	huma.Get(api, "/api/services/{name}/environment", a.environment, says("Show what a service gets as its environment"))
	huma.Get(api, "/api/environment", a.common, says("Show what every service gets as its environment"))
	huma.Post(api, "/api/shutdown", func(context.Context, *struct{}) (*struct{}, error) { a.Shutdown(); return nil, nil },
		says("Stop the stack"), guarded, func(o *huma.Operation) { o.DefaultStatus = http.StatusAccepted })
	if a.Runner == nil {
		return
	}
	huma.Post(api, "/api/services/{name}/start", a.act(a.Runner.Start), says("Start a service"), guarded)
	huma.Post(api, "/api/services/{name}/stop", a.act(a.Runner.Stop), says("Stop a service"), guarded)
	huma.Post(api, "/api/services/{name}/restart", a.act(a.Runner.Restart), says("Restart a service"), guarded)
}

// Services lists the services in start order.
func (a *API) Services() []view.Service { return a.Runner.Services() }

func (a *API) one(name string) (*body[view.Service], error) {
	s, err := a.Runner.Service(name)
	if err != nil {
		return nil, problem(http.StatusNotFound, err)
	}
	return &body[view.Service]{s}, nil
}

// act carries an action out on the service that a request names.
func (a *API) act(do func(ctx context.Context, service string) error) func(context.Context, *action) (*body[view.Service], error) {
	return func(ctx context.Context, in *action) (*body[view.Service], error) {
		if _, err := a.one(in.Name); err != nil {
			return nil, err
		}
		if err := do(runner.WithCause(ctx, in.cause()), in.Name); err != nil {
			return nil, problem(http.StatusConflict, err)
		}
		return a.one(in.Name)
	}
}

// common is the environment of every service.
func (a *API) common(context.Context, *struct{}) (*body[variableList], error) {
	list := variableList{Items: []runner.Variable{}}
	for _, name := range slices.Sorted(maps.Keys(a.Environment)) {
		v := runner.Variable{Name: name, Value: a.Environment[name], Source: "axion"}
		if slices.Contains(runner.WithVariables(), name) {
			v.Source = "with"
		}
		list.Items = append(list.Items, v)
	}
	return &body[variableList]{list}, nil
}

func (a *API) environment(_ context.Context, in *struct {
	Name   string `path:"name" doc:"Of the service, as the compose file has it."`
	Reveal bool   `query:"reveal" doc:"Give secrets too."`
}) (*body[variableList], error) {
	if _, err := a.one(in.Name); err != nil {
		return nil, err
	}
	all, err := a.Runner.Environment(in.Name)
	if err != nil {
		return nil, problem(http.StatusConflict, err)
	}
	for i := range all {
		if all[i].Secret && !in.Reveal {
			all[i].Value, all[i].From = "", ""
		}
	}
	return &body[variableList]{variableList{Items: all}}, nil
}

// problemError is a problem with a member for how to mend it (RFC 9457, section 3.2).
type problemError struct {
	huma.ErrorModel
	Hint string `json:"hint,omitempty"`
}

// problem is an error as it is answered, with its hint.
func problem(status int, err error) error {
	p := &problemError{ErrorModel: huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: err.Error()}}
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok && with.Hint() != "" {
		p.Hint = with.Hint()
		p.Detail += ": " + p.Hint
	}
	return p
}
