// Package proxy passes the page's calls to the services on, through the gateway, and their
// answers back: status and problem details as they are.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/client"
	"axion/web/respond"
)

// Proxy passes the operations on. It is safe for concurrent use.
type Proxy struct {
	client  *client.Client
	log     *slog.Logger
	reverse httputil.ReverseProxy
	byRoute map[string]operation // by the pattern of the mux
}

// New makes a proxy. Client nil means that this stack runs no builtins, and every call is
// answered 503.
func New(c *client.Client, log *slog.Logger) *Proxy {
	p := &Proxy{client: c, log: log, byRoute: map[string]operation{}}
	p.reverse = httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: c, ModifyResponse: p.modifyResponse, ErrorHandler: p.handleError,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return p
}

// Register adds the operations to mux, and describes them in the API.
func (p *Proxy) Register(mux *http.ServeMux, api huma.API) {
	for _, op := range operations {
		route := op.method + " " + op.path
		p.byRoute[route] = op
		mux.Handle(route, p)
		api.OpenAPI().AddOperation(op.describe())
	}
}

// ServeHTTP reads the body whole, since it may be sent twice, and passes the call on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := p.byRoute[r.Pattern]
	if p.client == nil {
		respond.Problem(w, http.StatusServiceUnavailable, "this stack runs no builtin services, so that there is no "+op.displayName()+" to ask")
		return
	}
	body, err := readBody(w, r, op.body)
	if err != nil {
		p.handleError(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), client.Timeout)
	defer cancel()
	in := r.WithContext(ctx)
	in.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	in.Body, _ = in.GetBody()
	in.ContentLength = int64(len(body))
	p.reverse.ServeHTTP(w, in)
}

// rewrite lets through what the operation knows, and nothing else.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	op := p.byRoute[r.In.Pattern]
	query := url.Values{}
	for _, name := range op.query {
		if v := r.In.URL.Query().Get(name); v != "" {
			query.Set(name, v)
		}
	}
	header := http.Header{}
	for _, name := range []string{"If-Match", "Idempotency-Key"} {
		if v := r.In.Header.Get(name); v != "" {
			header.Set(name, v)
		}
	}
	if op.body > 0 {
		header.Set("Content-Type", "application/json")
	}
	r.Out.URL = p.client.URL(op.host()).JoinPath(r.In.URL.EscapedPath())
	r.Out.URL.RawQuery, r.Out.Host, r.Out.Header = query.Encode(), "", header
}

// modifyResponse reads the answer whole, and refuses one that is not the service's.
func (p *Proxy) modifyResponse(res *http.Response) error {
	op := p.byRoute[res.Request.Pattern]
	body, err := io.ReadAll(io.LimitReader(res.Body, op.limit()+1))
	_ = res.Body.Close()
	contentType := res.Header.Get("Content-Type")
	known := isJSON(contentType) || op.archive && contentType == "application/zip"
	switch {
	case err != nil:
		return fmt.Errorf("read answer of %s: %w", res.Request.URL, err)
	case int64(len(body)) > op.limit():
		return fmt.Errorf("read answer of %s: more than %d bytes", res.Request.URL, op.limit())
	case res.StatusCode < 200 || res.StatusCode >= 300 && res.StatusCode < 400:
		return &refusal{http.StatusBadGateway, "the " + op.displayName() + "'s address redirects elsewhere"}
	case len(body) > 0 && !known && res.StatusCode < 300:
		return &refusal{http.StatusBadGateway, "what answers at the " + op.displayName() + "'s address is not the " + op.displayName()}
	case len(body) > 0 && !known:
		return &refusal{res.StatusCode, "the gateway answered for the " + op.displayName() + ": " + firstLine(body)}
	}
	header := http.Header{}
	for _, name := range []string{"Content-Type", "ETag", "Location", "Content-Disposition", "X-Request-Id"} {
		if v := res.Header.Get(name); v != "" && (name != "Content-Type" || len(body) > 0) {
			header.Set(name, v)
		}
	}
	res.Header, res.Trailer, res.ContentLength, res.Body = header, nil, int64(len(body)), io.NopCloser(bytes.NewReader(body))
	return nil
}

// refusal is an error with the status that it is answered with.
type refusal struct {
	status int
	detail string
}

func (r *refusal) Error() string { return r.detail }

// handleError answers with a problem: 502 unless the error says another status.
func (p *Proxy) handleError(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok:
		respond.Problem(w, refused.status, refused.detail)
	case errors.Is(r.Context().Err(), context.Canceled):
		respond.Problem(w, respond.StatusClientGone, "the client left before the answer")
	default:
		p.log.Warn("project call failed", "method", r.Method, "path", r.URL.Path, "error", err)
		respond.Problem(w, http.StatusBadGateway, err.Error())
	}
}

// readBody reads a JSON body of at most limit bytes. It is nil where limit is 0.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if limit == 0 {
		return nil, nil
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	late, isNet := errors.AsType[net.Error](err)
	switch {
	case tooLarge:
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KB", limit>>10)}
	case isNet && late.Timeout():
		return nil, &refusal{http.StatusRequestTimeout, "the body did not come in time"}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "the body is malformed or broke off"}
	}
	return body, nil
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
