package gateway

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// perPage is how many things a page of the API has by default.
const perPage = 100

func (g *Gateway) thingsOf(w http.ResponseWriter, r *http.Request) things {
	list, ok := g.table.Load().things(r.PathValue("protocol"))[r.PathValue("kind")]
	if !ok {
		apiError(w, http.StatusNotFound, "there is no such page")
		return nil
	}
	return list
}

// oneThing answers with one router, service or middleware.
func (g *Gateway) oneThing(w http.ResponseWriter, r *http.Request) {
	list := g.thingsOf(w, r)
	if list == nil {
		return
	}
	m, ok := list[r.PathValue("name")]
	if !ok {
		apiError(w, http.StatusNotFound, strings.TrimSuffix(r.PathValue("kind"), "s")+" not found: "+r.PathValue("name"))
		return
	}
	writeJSON(w, http.StatusOK, m)
}

// listThings answers with a page of them; X-Next-Page tells the next, or 1 at the
// end, as Traefik does.
func (g *Gateway) listThings(w http.ResponseWriter, r *http.Request) {
	list := g.thingsOf(w, r)
	if list == nil {
		return
	}
	q := r.URL.Query()
	found := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if m := list[name]; wanted(m, q.Get("search"), q.Get("status"), q.Get("serviceName"), q.Get("middlewareName")) {
			found = append(found, m)
		}
	}
	page, ok := number(q.Get("page"), 1)
	size, fine := number(q.Get("per_page"), perPage)
	if !ok || !fine || (page-1)*size >= len(found) && page > 1 {
		apiError(w, http.StatusBadRequest, "invalid request: page: "+q.Get("page")+", per_page: "+q.Get("per_page"))
		return
	}
	start := (page - 1) * size
	end := min(start+size, len(found))
	next := 1
	if end < len(found) {
		next = page + 1
	}
	w.Header().Set("X-Next-Page", strconv.Itoa(next))
	writeJSON(w, http.StatusOK, found[start:end])
}

// number reads a positive number, at most a million.
func number(text string, usual int) (int, bool) {
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0 && n <= 1_000_000
}

func wanted(m map[string]any, search, status, service, middleware string) bool {
	if status != "" && !strings.EqualFold(m["status"].(string), status) {
		return false
	}
	if service != "" && m["service"] != service {
		return false
	}
	if names, _ := m["middlewares"].([]any); middleware != "" && !slices.Contains(names, any(middleware)) {
		return false
	}
	rule, _ := m["rule"].(string)
	return strings.Contains(m["name"].(string), search) || strings.Contains(rule, search)
}

// overview counts by protocol and status.
func (g *Gateway) overview() map[string]any {
	t := g.table.Load()
	all := map[string]any{"features": map[string]any{"tracing": "", "metrics": "Prometheus", "accessLog": t.dynamic.Static.AccessLog != nil}}
	providers := map[string]bool{}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		kinds := map[string]any{}
		for kind, list := range t.things(protocol) {
			count := map[string]int{"total": len(list), "warnings": 0, "errors": 0}
			for _, m := range list {
				providers[m["provider"].(string)] = true
				switch m["status"] {
				case Warning:
					count["warnings"]++
				case Disabled:
					count["errors"]++
				}
			}
			kinds[kind] = count
		}
		all[protocol] = kinds
	}
	all["providers"] = slices.Sorted(maps.Keys(providers))
	return all
}
