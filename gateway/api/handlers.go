package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"axion/web/view"
)

// listOf is one of the API's lists, or nil where there is no such one, which it answers.
func (a *API) listOf(w http.ResponseWriter, r *http.Request) List {
	list := a.lists(a.Table(), r.PathValue("protocol"))[r.PathValue("kind")]
	if list == nil {
		apiError(w, http.StatusNotFound, "there is no such page")
	}
	return list
}

// oneResource answers with one router, service or middleware.
func (a *API) oneResource(w http.ResponseWriter, r *http.Request) {
	list := a.listOf(w, r)
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

// listResources answers with a page of them.
func (a *API) listResources(w http.ResponseWriter, r *http.Request) {
	list := a.listOf(w, r)
	if list == nil {
		return
	}
	page, next, err := Select(list, r.URL.Query())
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

func (a *API) listEntryPoints(w http.ResponseWriter, r *http.Request) {
	page, next, err := Page(a.entryPoints(), r.URL.Query())
	writePage(w, page, next, err)
}

func (a *API) oneEntryPoint(w http.ResponseWriter, r *http.Request) {
	for _, e := range a.entryPoints() {
		if slices.Contains(e.Strings("names"), r.PathValue("name")) {
			writeJSON(w, http.StatusOK, e)
			return
		}
	}
	apiError(w, http.StatusNotFound, "entry point not found: "+r.PathValue("name"))
}

// entryPoints are those that are open, with their settings.
func (a *API) entryPoints() []Object {
	list := []Object{}
	t := a.Table()
	for _, e := range a.EntryPoints.List(t) {
		o := Object{}
		if at := t.EntryPoints[e.Name]; at != nil {
			o = EntryPoint(at.Config)
		}
		o["name"], o["names"], o["address"] = e.Name, e.Names, e.Address
		list = append(list, o)
	}
	return list
}

// overview counts by protocol and status.
func (a *API) overview() map[string]any {
	t := a.Table()
	all := map[string]any{"features": map[string]any{"tracing": "", "metrics": "Prometheus", "accessLog": t.Dynamic.Static.AccessLog != nil,
		"hub": false}}
	known := map[string]bool{"Docker": len(t.Dynamic.Static.FileProviders) == 0, "File": len(t.Dynamic.Static.FileProviders) > 0}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		kinds := map[string]any{}
		for kind, list := range a.lists(t, protocol) {
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
