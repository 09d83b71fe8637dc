package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listOf is one of the API's lists, or nil where there is no such one, which it answers.
func (a *API) listOf(w http.ResponseWriter, r *http.Request) List {
	list := a.snapshot().lists(r.PathValue("protocol"))[r.PathValue("kind")]
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

// writePage answers with a page; X-Next-Page says the next, or 1 at the end, as
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
	page, next, err := Page(a.snapshot().entryPoints(), r.URL.Query())
	writePage(w, page, next, err)
}

func (a *API) oneEntryPoint(w http.ResponseWriter, r *http.Request) {
	for _, e := range a.snapshot().entryPoints() {
		if slices.Contains(e.Strings("names"), r.PathValue("name")) {
			writeJSON(w, http.StatusOK, e)
			return
		}
	}
	apiError(w, http.StatusNotFound, "entry point not found: "+r.PathValue("name"))
}
