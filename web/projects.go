package web

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// projects passes the page's calls on to the graph service, through the
// gateway, and its answers back: status and problem details as they are.
type projects struct {
	calls  *caller // nil where this stack runs no builtins
	events *journal
	log    *slog.Logger
}

func (p projects) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/projects", p.pass)
	mux.HandleFunc("POST /api/projects", p.pass)
	mux.HandleFunc("GET /api/projects/{id}", p.pass)
	mux.HandleFunc("DELETE /api/projects/{id}", p.pass)
	mux.HandleFunc("GET /api/projects/{id}/deployments", p.pass)
	mux.HandleFunc("POST /api/projects/{id}/deployments", p.pass)
	mux.HandleFunc("GET /api/events", p.listEvents)
}

// listEvents answers from what this process has seen: none from before its
// start, and of many only the newest. The parameter project narrows it to one.
func (p projects) listEvents(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, map[string]any{"items": p.events.list(r.URL.Query().Get("project")), "next": ""})
}

func (p projects) pass(w http.ResponseWriter, r *http.Request) {
	if p.calls == nil {
		writeProblem(w, http.StatusServiceUnavailable, "this stack runs no builtin services, so that there is no graph service to ask")
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	query := url.Values{}
	for _, name := range []string{"limit", "after"} {
		if v := r.URL.Query().Get(name); v != "" {
			query.Set(name, v)
		}
	}
	got, err := p.calls.do(r.Context(), r.Method, r.URL.EscapedPath(), query, body)
	if err != nil {
		p.log.Warn("project call failed", "method", r.Method, "path", r.URL.Path, "error", err)
		writeProblem(w, http.StatusBadGateway, err.Error())
		return
	}
	switch {
	case got.status < 200 || got.status >= 300 && got.status < 400:
		writeProblem(w, http.StatusBadGateway, "the graph service's address redirects elsewhere")
	case len(got.body) == 0:
		w.WriteHeader(got.status)
	case isJSON(got.contentType):
		writeBody(w, got.status, got.contentType, got.body)
	case got.status < 300:
		writeProblem(w, http.StatusBadGateway, "what answers at the graph service's address is not the graph service")
	default:
		writeProblem(w, got.status, "the gateway answered for the graph service: "+firstLine(got.body))
	}
}

// readBody reads a JSON body of bounded size, or answers why not. The reader is
// nil for methods that have none.
func readBody(w http.ResponseWriter, r *http.Request) (io.Reader, bool) {
	if r.Method != http.MethodPost {
		return nil, true
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		writeProblem(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writeProblem(w, http.StatusRequestEntityTooLarge, "the body is larger than 64 KB")
		return nil, false
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, "the body could not be read")
		return nil, false
	}
	return bytes.NewReader(body), true
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// firstLine is what a person needs of a text body.
func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body[:min(len(body), 200)])), "\n")
	return line
}
