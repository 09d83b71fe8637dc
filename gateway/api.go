package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// API serves what is known of the table in force, in the shapes of Traefik's API:
// /api/rawdata, /api/overview, /api/version, /api/entrypoints and /api/http, /api/tcp
// and /api/udp with routers, services and middlewares; and of its own /api/explain,
// /metrics and /ping. It has no state to change, and answers to GET alone.
func (g *Gateway) API() http.Handler {
	mux, began := http.NewServeMux(), time.Now().UTC()
	mux.HandleFunc("GET /api/rawdata", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.rawData()) })
	mux.HandleFunc("GET /api/overview", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.overview()) })
	mux.HandleFunc("GET /api/version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"Version": g.version, "Codename": "axion", "startDate": began.Format(time.RFC3339Nano)})
	})
	mux.HandleFunc("GET /api/entrypoints", g.listEntryPoints)
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
		if c := g.table.Load().Dynamic.Static.Ping; c != nil && c.TerminatingStatusCode != 0 {
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

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func apiError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}
