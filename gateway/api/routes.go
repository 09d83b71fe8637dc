package api

import (
	"slices"

	"axion/gateway/config"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/secret"
	"axion/web/view"
)

// Problems lists what is wrong with the sources as they are now, and which
// routers are disabled or doubtful.
func (a *API) Problems() []config.Problem { return problemsOf(a.Table()) }

func problemsOf(t *routing.Table) []config.Problem {
	list := slices.Concat(t.Dynamic.Problems, t.Problems)
	for i, p := range list { // which may quote a URL
		list[i].Message, list[i].Fix = secret.URL(p.Message), secret.URL(p.Fix)
	}
	return list
}

// Routes lists every router of the table in force, disabled ones included,
// sorted in the order in which they are tried.
func (a *API) Routes() []view.Route {
	routers := a.Table().Routers
	list := make([]view.Route, len(routers))
	for i, r := range routers {
		list[i] = routes.Describe(r)
		list[i].Faults = a.Faults.ActiveFor(r.FaultTarget())
	}
	return list
}
