// Package api shows the configuration in the shapes of Traefik's API: its names, its
// defaults, its lists with their filters and pages. Secrets are left out.
package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"axion/gateway/cert"
	"axion/gateway/entrypoint"
	"axion/gateway/explain"
	"axion/gateway/fault"
	"axion/gateway/observe"
	"axion/gateway/provider"
	"axion/gateway/routing"
)

// Options of an [API].
type Options struct {
	// Table gives the table in force.
	Table func() *routing.Table
	// EntryPoints are those that are open.
	EntryPoints *entrypoint.Set
	Cert        *cert.Authority
	Provider    *provider.Provider
	Observer    *observe.Observer
	// Faults are those that are injected.
	Faults    *fault.Set
	Explainer *explain.Explainer
	// Ended is closed once the gateway accepts no more requests.
	Ended <-chan struct{}
	// HideBase leaves out what is the stack's own: nothing of it is the user's.
	HideBase bool
	// Dashboard is the URL of the stack's dashboard, where browsers that open
	// Traefik's are sent. Empty means there is none.
	Dashboard string
	// Version is the one that the API shows.
	Version string
}

// API serves what is known of the table in force, in the shapes of Traefik's API:
// /api/rawdata, /api/overview, /api/version, /api/entrypoints and /api/http, /api/tcp
// and /api/udp with routers, services and middlewares; and of its own /api/explain,
// /metrics and /ping. It has no state to change, and answers to GET alone. Its methods
// are safe for concurrent use. That of the zero value has [API.Internals] alone, which
// serve nothing.
type API struct {
	Options
	mux *http.ServeMux
}

// New returns the API of a gateway.
func New(opts Options) *API {
	a := &API{Options: opts}
	a.mux = a.newMux()
	return a
}

// ServeHTTP answers a request to the API.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *API) newMux() *http.ServeMux {
	mux, began := http.NewServeMux(), time.Now().UTC()
	mux.HandleFunc("GET /api/rawdata", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, a.snapshot().rawData()) })
	mux.HandleFunc("GET /api/overview", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, a.snapshot().overview()) })
	mux.HandleFunc("GET /api/version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"Version": a.Version, "Codename": "axion", "startDate": began.Format(time.RFC3339Nano)})
	})
	mux.HandleFunc("GET /api/entrypoints", a.listEntryPoints)
	mux.HandleFunc("GET /api/entrypoints/{name}", a.oneEntryPoint)
	mux.HandleFunc("GET /api/{protocol}/{kind}", a.listResources)
	mux.HandleFunc("GET /api/{protocol}/{kind}/{name}", a.oneResource)
	mux.HandleFunc("GET /api/explain", a.explain)
	mux.HandleFunc("GET /metrics", a.metrics)
	mux.HandleFunc("GET /ping", a.ping)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		apiError(w, http.StatusNotFound, "there is no such page")
	})
	return mux
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) { a.Observer.Handler().ServeHTTP(w, r) }

// ping answers OK while the gateway accepts requests, and after that what Traefik's
// ping.terminatingStatusCode says.
func (a *API) ping(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-a.Ended:
		code := http.StatusServiceUnavailable
		if c := a.Table().Dynamic.Static.Ping; c != nil && c.TerminatingStatusCode != 0 {
			code = c.TerminatingStatusCode
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(http.StatusText(code)))
	default:
		_, _ = w.Write([]byte("OK"))
	}
}

func (a *API) explain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	header := http.Header{}
	for _, line := range q["header"] {
		name, value, _ := strings.Cut(line, ":")
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	explanation, err := a.Explainer.Explain(
		explain.Request{Method: q.Get("method"), URL: q.Get("url"), Header: header, Client: q.Get("client")})
	if err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, explanation)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func apiError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}
