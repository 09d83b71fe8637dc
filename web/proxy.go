package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// projects passes the page's calls on to the services, through the gateway, and
// their answers back: status and problem details as they are.
type projects struct {
	client *caller // nil where this stack runs no builtins
	log    *slog.Logger
}

func (p projects) register(mux *http.ServeMux, api huma.API) {
	for _, op := range passed {
		mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) { p.pass(w, r, op) })
		api.OpenAPI().AddOperation(op.operation())
	}
}

func (p projects) pass(w http.ResponseWriter, r *http.Request, op passing) {
	if p.client == nil {
		writeProblem(w, http.StatusServiceUnavailable, "this stack runs no builtin services, so that there is no "+op.said()+" to ask")
		return
	}
	body, ok := readBody(w, r, op.body)
	if !ok {
		return
	}
	c := call{
		host: op.host(), method: r.Method, path: r.URL.EscapedPath(), query: url.Values{}, header: http.Header{},
		body: body, limit: op.limit(),
	}
	for _, name := range op.query {
		if v := r.URL.Query().Get(name); v != "" {
			c.query.Set(name, v)
		}
	}
	for _, name := range []string{"If-Match", "Idempotency-Key"} {
		if v := r.Header.Get(name); v != "" {
			c.header.Set(name, v)
		}
	}
	got, err := p.client.do(r.Context(), c)
	if err != nil && r.Context().Err() != nil { // the page has gone
		writeProblem(w, statusClientGone, "the client left before the answer")
		return
	}
	if err != nil {
		p.log.Warn("project call failed", "method", r.Method, "path", r.URL.Path, "error", err)
		writeProblem(w, http.StatusBadGateway, err.Error())
		return
	}
	op.answer(w, got)
}

// answer gives the service's answer to the page, unless it is not the service's.
func (p passing) answer(w http.ResponseWriter, got answer) {
	contentType := got.header.Get("Content-Type")
	known := isJSON(contentType) || p.archive && contentType == "application/zip"
	switch {
	case got.status < 200 || got.status >= 300 && got.status < 400:
		writeProblem(w, http.StatusBadGateway, "the "+p.said()+"'s address redirects elsewhere")
	case len(got.body) > 0 && !known && got.status < 300:
		writeProblem(w, http.StatusBadGateway, "what answers at the "+p.said()+"'s address is not the "+p.said())
	case len(got.body) > 0 && !known:
		writeProblem(w, got.status, "the gateway answered for the "+p.said()+": "+firstLine(got.body))
	default:
		for _, name := range []string{"ETag", "Location", "Content-Disposition", "X-Request-Id"} {
			if v := got.header.Get(name); v != "" {
				w.Header().Set(name, v)
			}
		}
		if len(got.body) == 0 {
			w.WriteHeader(got.status)
			return
		}
		writeBody(w, got.status, contentType, got.body)
	}
}

// readBody reads a JSON body of at most limit bytes, or answers why not. It is nil
// where limit is 0.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	if limit == 0 {
		return nil, true
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		writeProblem(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writeProblem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KB", limit>>10))
		return nil, false
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		writeProblem(w, http.StatusRequestTimeout, "the body did not come in time")
		return nil, false
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, "the body is malformed or broke off")
		return nil, false
	}
	return body, true
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
