package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/api"
	"axion/web/view"
)

// listOf is one of the API's lists, or nil where there is no such one, which it answers.
func (g *Gateway) listOf(w http.ResponseWriter, r *http.Request) api.List {
	list := g.lists(g.table.Load(), r.PathValue("protocol"))[r.PathValue("kind")]
	if list == nil {
		apiError(w, http.StatusNotFound, "there is no such page")
	}
	return list
}

// oneThing answers with one router, service or middleware.
func (g *Gateway) oneThing(w http.ResponseWriter, r *http.Request) {
	list := g.listOf(w, r)
	if list == nil {
		return
	}
	o, ok := list[r.PathValue("name")]
	if !ok {
		apiError(w, http.StatusNotFound, strings.TrimSuffix(r.PathValue("kind"), "s")+" not found: "+r.PathValue("name"))
		return
	}
	writeJSON(w, http.StatusOK, o)
}

// listThings answers with a page of them.
func (g *Gateway) listThings(w http.ResponseWriter, r *http.Request) {
	list := g.listOf(w, r)
	if list == nil {
		return
	}
	page, next, err := api.Select(list, r.URL.Query())
	writePage(w, page, next, err)
}

// writePage answers with a page; X-Next-Page tells the next, or 1 at the end, as
// Traefik does.
func writePage[T any](w http.ResponseWriter, page []T, next int, err error) {
	if err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("X-Next-Page", strconv.Itoa(next))
	writeJSON(w, http.StatusOK, page)
}

func (g *Gateway) listEntryPoints(w http.ResponseWriter, r *http.Request) {
	page, next, err := api.Page(g.entryPoints(), r.URL.Query())
	writePage(w, page, next, err)
}

func (g *Gateway) oneEntryPoint(w http.ResponseWriter, r *http.Request) {
	for _, e := range g.entryPoints() {
		if slices.Contains(e.Strings("names"), r.PathValue("name")) {
			writeJSON(w, http.StatusOK, e)
			return
		}
	}
	apiError(w, http.StatusNotFound, "entry point not found: "+r.PathValue("name"))
}

// entryPoints are those that are open, with their settings.
func (g *Gateway) entryPoints() []api.Object {
	list := []api.Object{}
	entries := g.table.Load().EntryPoints
	for _, e := range g.EntryPoints() {
		o := api.Object{}
		if at := entries[e.Name]; at != nil {
			o = api.EntryPoint(at.Config)
		}
		o["name"], o["names"], o["address"] = e.Name, e.Names, e.Address
		list = append(list, o)
	}
	return list
}

// overview counts by protocol and status.
func (g *Gateway) overview() map[string]any {
	t := g.table.Load()
	all := map[string]any{"features": map[string]any{"tracing": "", "metrics": "Prometheus", "accessLog": t.Dynamic.Static.AccessLog != nil,
		"hub": false}}
	known := map[string]bool{"Docker": len(t.Dynamic.Static.FileProviders) == 0, "File": len(t.Dynamic.Static.FileProviders) > 0}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		kinds := map[string]any{}
		for kind, list := range g.lists(t, protocol) {
			count := map[string]int{"total": len(list), "warnings": 0, "errors": 0}
			for _, o := range list {
				switch o["status"] {
				case string(view.RouteWarning):
					count["warnings"]++
				case string(view.RouteDisabled):
					count["errors"]++
				}
			}
			kinds[kind] = count
			for _, name := range list.Providers() {
				known[providerNames[name]] = true
			}
		}
		all[protocol] = kinds
	}
	providers := []string{}
	for _, name := range []string{"Docker", "File"} {
		if known[name] {
			providers = append(providers, name)
		}
	}
	all["providers"] = providers
	return all
}

// providerNames are Traefik's for those that are configured, by what follows the @ in
// names.
var providerNames = map[string]string{"docker": "Docker", "file": "File"}
