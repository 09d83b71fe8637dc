package gateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"axion/gateway/config"
)

// API serves what is known of the table in force, in the shapes of Traefik's API:
// /api/rawdata, /api/overview, /api/version, /api/entrypoints and /api/http, /api/tcp
// and /api/udp with routers, services and middlewares; and of its own /api/explain,
// /metrics and /ping. It has no state to change, and answers to GET alone.
func (g *Gateway) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/rawdata", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.rawData()) })
	mux.HandleFunc("GET /api/overview", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.overview()) })
	mux.HandleFunc("GET /api/version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"Version": g.version, "Codename": "axion"})
	})
	mux.HandleFunc("GET /api/entrypoints", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.EntryPoints()) })
	mux.HandleFunc("GET /api/entrypoints/{name}", g.oneEntryPoint)
	mux.HandleFunc("GET /api/{protocol}/{kind}", g.listThings)
	mux.HandleFunc("GET /api/{protocol}/{kind}/{name}", g.oneThing)
	mux.HandleFunc("GET /api/explain", g.answer)
	mux.Handle("GET /metrics", g.observer.Handler())
	mux.HandleFunc("GET /ping", g.ping)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		apiError(w, http.StatusNotFound, "there is no such page")
	})
	return mux
}

// ping answers OK while the gateway takes requests, and after that what Traefik's
// ping.terminatingStatusCode says.
func (g *Gateway) ping(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-g.ended:
		code := http.StatusServiceUnavailable
		if c := g.table.Load().dynamic.Static.Ping; c != nil && c.TerminatingStatusCode != 0 {
			code = c.TerminatingStatusCode
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(http.StatusText(code)))
	default:
		_, _ = w.Write([]byte("OK"))
	}
}

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	header := http.Header{}
	for _, line := range q["header"] {
		name, value, _ := strings.Cut(line, ":")
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	a, err := g.Explain(Question{Method: q.Get("method"), URL: q.Get("url"), Header: header, Client: q.Get("client")})
	if err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, a)
}

func (g *Gateway) oneEntryPoint(w http.ResponseWriter, r *http.Request) {
	for _, e := range g.EntryPoints() {
		if slices.Contains(e.Names, r.PathValue("name")) {
			writeJSON(w, http.StatusOK, e)
			return
		}
	}
	apiError(w, http.StatusNotFound, "entryPoint not found: "+r.PathValue("name"))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func apiError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}

// things are a configuration's parts by "name@provider".
type things map[string]map[string]any

// rawData is everything, as Traefik tells it, and the problems as we do.
func (g *Gateway) rawData() map[string]any {
	t := g.table.Load()
	problems := append([]config.Problem{}, g.Problems()...)
	for i, p := range problems { // which may quote a URL
		problems[i].Message = hideURL(p.Message)
	}
	data := map[string]any{"problems": problems}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		for kind, list := range t.things(protocol) {
			name := kind
			if protocol != "http" {
				name = protocol + strings.ToUpper(kind[:1]) + kind[1:]
			}
			if len(list) > 0 || protocol == "http" {
				data[name] = list
			}
		}
	}
	return data
}

// things tells routers, services and middlewares of one protocol, or is nil.
func (t *table) things(protocol string) map[string]things {
	switch protocol {
	case "http":
		return map[string]things{"routers": t.routerThings(), "services": t.serviceThings(), "middlewares": t.middlewareThings()}
	case "tcp":
		return t.tcpThings()
	case "udp":
		return t.udpThings()
	}
	return nil
}

// thing is a part of the configuration as the API shows it.
func thing(name string, v any) map[string]any {
	value := reflect.Indirect(reflect.ValueOf(v))
	m := camelStruct(value)
	hideSecrets(m)
	if o, ok := value.FieldByName("Origin").Interface().(config.Origin); ok && o.File != "" {
		m["origin"] = originOf(o)
	}
	_, provider, _ := strings.Cut(name, "@")
	m["name"], m["provider"], m["status"] = name, provider, Enabled
	return m
}

func plainThings[T any](of map[string]*T) things {
	list := things{}
	for name, v := range of {
		list[name] = thing(name, v)
	}
	return list
}

func (t *table) routerThings() things {
	list := things{}
	for _, r := range t.routes {
		m := thing(r.name, r.config)
		d := r.describe()
		m["status"], m["priority"], m["using"], m["origin"] = d.Status, d.Priority, d.EntryPoints, d.Origin
		if len(d.Errors) > 0 {
			m["error"] = d.Errors
		}
		list[r.name] = m
	}
	return list
}

func (t *table) serviceThings() things {
	list := things{}
	for name, c := range t.dynamic.Services {
		m := thing(name, c)
		m["type"] = strings.ToLower(kindOf(m))
		list[name] = m
	}
	for name, s := range t.services {
		if s == nil || s.internal() {
			continue
		}
		states := map[string]string{}
		for _, at := range s.describe() {
			states[at.URL] = at.Status
		}
		if m := list[name]; m != nil && len(states) > 0 {
			m["serverStatus"] = states
		}
		if m := list[name]; m != nil && s.err != nil {
			m["status"], m["error"] = Disabled, []string{hideURL(s.err.Error())}
		}
	}
	t.usedBy(list, func(r *route) []string { return []string{r.config.Service} })
	return list
}

func (t *table) middlewareThings() things {
	list := things{}
	for name, c := range t.dynamic.Middlewares {
		m := thing(name, c)
		m["type"] = strings.ToLower(kindOf(m))
		list[name] = m
	}
	for key, w := range t.middlewares {
		if m := list[key[1]]; m != nil && w.err != nil {
			m["status"], m["error"] = Disabled, []string{hideURL(w.err.Error())}
		}
	}
	t.usedBy(list, func(r *route) []string { return r.config.Middlewares })
	return list
}

// usedBy adds the routers that use each.
func (t *table) usedBy(list things, uses func(*route) []string) {
	for _, r := range t.routes {
		for _, name := range uses(r) {
			if m := list[name]; m != nil {
				users, _ := m["usedBy"].([]string)
				m["usedBy"] = append(users, r.name)
			}
		}
	}
}

// kindOf is the one field that says what a service or middleware is.
func kindOf(m map[string]any) string {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k != "name" && k != "provider" && k != "status" && k != "origin" && k != "middlewares" {
			return k
		}
	}
	return ""
}
